"""Mask files: which files below a competition's folder are masks, and of which row each is, as competition.masks says."""

import functools
import os
import re
import string
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import pandas as pd

from goldfold.competition.file_kind import endings, kind_of_files
from goldfold.competition.sides import WORDS, side_of
from goldfold.competition.tables import fields_of, filled, require_columns

LABEL = "label"
"""The field of the class that a file is of, where an image has a file for each."""
PLACES = ("folder", "above", "inner", "side", "stem", "start", "end")
"""The fields that the path of a row's image fills in, beside those of its columns."""
ANY = "*"


class MaskFile(NamedTuple):
    """A file of masks below the competition's folder, and the class that its path names; an empty text where it names none."""

    path: str
    label: str


def fills_in(template: str) -> list[str]:
    """Return the fields that a row fills in: its columns, and parts of its image's path."""
    return [name for name in fields_of(template) if name != LABEL]


def names_side(template: str) -> bool:
    """Return whether a template tells the mask of a test image from that of a training image with the same name."""
    return bool({"folder", "above", "side"} & set(fields_of(template)))


def without_masks(paths: Iterable[str], template: str | None) -> list[str]:
    """Return the files that are no masks by a template; one that names a column alone says nothing about the others."""
    literal = "".join(text for text, *_ in string.Formatter().parse(template or ""))
    if template is None or not re.search(r"\w", os.path.splitext(literal)[0]):
        return list(paths)
    pattern = _pattern(template)
    return [path for path in paths if not pattern.fullmatch(_normal(path))]


def masks_of_rows(
    table: pd.DataFrame, paths: Sequence[str], files: Iterable[str], template: str, where: str
) -> list[list[MaskFile]]:
    """Return the mask files of each row; `paths` are those of the rows' images, or their ids, which name the images.

    The case of letters and the extension do not matter. Raises InputError for a template that names no column of the table.
    """
    fields = fills_in(template)
    parts = [places(path) for path in paths]
    asked = table.assign(**{name: [part[name] for part in parts] for name in PLACES if name not in table})
    require_columns(asked.columns, fields, where, "competition.masks")
    specs = {
        name: f"{{{name}:{spec}}}" if spec else f"{{{name}}}" for _, name, spec, _ in string.Formatter().parse(template) if name
    }
    values = [[_key(text) for text in filled(asked, specs[name])] for name in fields]
    found: dict[tuple[str, ...], list[MaskFile]] = {}
    pattern = _pattern(template)
    for path in files:
        if match := pattern.fullmatch(_normal(path)):
            key = tuple(_key(match[f"f{at}"]) for at in range(len(fields)))
            found.setdefault(key, []).append(MaskFile(path, _label_in(path, match)))
    return [found.get(key, []) for key in zip(*values, strict=True)]


def places(path: str) -> dict[str, str]:
    """Return the parts of an image's path that a template may name.

    >>> places("case_1/train_images/x_1.png")["side"], places("case_1/images/x_1.png")["above"]
    ('train', './case_1')
    """
    whole = PurePosixPath("./" + _slashed(path))
    folder = _dotted(whole.parent)
    stem = _without_ending(whole.name)
    sides = [word for part in whole.parent.parts for word in WORDS.findall(part) if side_of(part) and side_of(word)]
    return {
        "folder": folder,
        "above": _dotted(whole.parent.parent),
        "inner": whole.parent.name,
        "side": sides[-1] if sides else "",
        "stem": stem,
        "start": stem.rpartition("_")[0],
        "end": stem.partition("_")[2],
    }


def _dotted(folder: PurePosixPath) -> str:
    text = folder.as_posix()
    return text if text == "." else f"./{text}"


def _slashed(path: str) -> str:
    return path.replace("\\", "/").removeprefix("./")


def _normal(path: str) -> str:
    return "./" + unicodedata.normalize("NFC", _slashed(path))


def _key(text: str) -> str:
    return _without_ending(unicodedata.normalize("NFC", _slashed(text))).casefold()


def _without_ending(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in endings() else name


def _label_in(path: str, match: re.Match[str]) -> str:
    """The class as the path spells it."""
    return match[LABEL] if LABEL in match.re.groupindex else ""


@functools.lru_cache(maxsize=16)
def _pattern(template: str) -> re.Pattern[str]:
    """The pattern of the files that a template may mean, whose groups f0, f1, … are the fields that rows fill in."""
    template = _without_ending(template.removeprefix("./"))
    parts, number = [], 0
    if not template.startswith(("{folder}", "{above}")):
        parts.append(re.escape("./"))
    for text, name, _, _ in string.Formatter().parse(template):
        parts.append("[^/]*".join(map(re.escape, text.split(ANY))))
        if name == LABEL:
            parts.append(f"(?P<{LABEL}>[^/_]+)" if f"(?P<{LABEL}>" not in "".join(parts) else f"(?P={LABEL})")
        elif name:
            parts.append(f"(?P<f{number}>{'[^/]*' if name in ('inner', 'side', 'stem', 'start', 'end') else '.+'})")
            number += 1
    ending = "|".join(map(re.escape, sorted(kind_of_files("image").suffixes)))
    return re.compile(f"{''.join(parts)}(?:{ending})?", re.IGNORECASE)
