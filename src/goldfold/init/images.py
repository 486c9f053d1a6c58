"""How a competition's rows find their images, and what the names of the images say."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.folders import LABEL, tables_from_folders
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError
from goldfold.init.setting import Setting, remark

TRIED, LOOKED_AT = 50, 200
MOST_CLASSES_IN_NAMES = 30
FEWEST_GROUPS, ROWS_PER_GROUP = 20, 2.0
WORDS = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
"""The words of a file's name, at a change of case or of kind: Parasitized, C100, P61, Thin, F."""


def images_of_rows(competition: Competition, files: Sequence[Path]) -> list[Setting] | None:
    """Return settings by which a table's rows find their images, None if they have none.

    Images go by the id, or by a template over the row's columns that fits every row of both tables.
    """
    if _fits(competition, None):
        return [remark("competition", f"images: each row's goes by its {competition.problem.id}: {_folders(files)}")]
    for template, others in _templates(competition, files):
        if _fits(competition, template):
            more = f"; there are also {', '.join(others[:3])}" if others else ""
            return [Setting("competition.images", template, f"every row has such an image{more}")]
    return None


def names_of_files(root: Path, overrides: Mapping[str, object]) -> tuple[list[Setting], str | None]:
    """Read labels and groups off the names of a folder's images: a setting with the pattern, and the group column if any.

    Labels are read from names only if there are images outside of class folders.
    """
    config = CompetitionConfig(path=str(root), **dict(overrides))
    if config.file_pattern:
        return [], None
    try:
        train, _ = tables_from_folders(config, root)
        labels, pattern, why = train[LABEL], "", []
    except InputError:
        train, _ = tables_from_folders(config.model_copy(update={"file_pattern": "(?P<label>)"}), root)
        named = _labels(train["path"])
        if named is None:
            return [], None
        pattern, labels = named
        why = [f"a file's name begins with its label, one of {labels.nunique()}"]
    group = _groups(train["path"], labels)
    if group and not pattern:
        number = train["path"].str.extract(group)["group"].nunique()
        why.append(f"{number} groups of images share the beginning of their names, as images of one patient or place do")
        return [Setting("competition.file_pattern", group, "; ".join(why))], "group"
    return ([Setting("competition.file_pattern", pattern, "; ".join(why))] if pattern else []), None


def typical_side(paths: Iterable[Path]) -> int:
    """Return the median of the shorter sides of some of the images, in pixels."""
    from PIL import Image, UnidentifiedImageError

    paths = list(paths)
    some = [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(len(paths), LOOKED_AT))]
    sides = []
    for path in some:
        try:
            if path.suffix == ".npy":
                shape = np.load(path, mmap_mode="r").shape
                sides.append(min(shape[:2]))
            else:
                with Image.open(path) as image:
                    sides.append(min(image.size))
        except (OSError, ValueError, UnidentifiedImageError):
            continue
    if not sides:
        raise InputError(
            f"none of {len(some)} images can be read", [str(path) for path in some], "replace them: they seem damaged"
        )
    return int(np.median(sides))


def _fits(competition: Competition, template: str | None) -> bool:
    try:
        replace(competition, templates=(template, template)).image_paths()
    except InputError:
        return False
    return True


def _folders(files: Sequence[Path]) -> str:
    counts = Counter(str(path.parent) for path in files).most_common(3)
    return ", ".join(f"{count} in {folder}/" if folder != "." else f"{count} beside the tables" for folder, count in counts)


def _templates(competition: Competition, files: Sequence[Path]) -> list[tuple[str, list[str]]]:
    """Templates that fit some rows, by a column that names files, or by what surrounds the id in their names, with the others."""
    train, problem = competition.train, competition.problem
    shared = [name for name in train.columns if name in competition.test and name not in problem.targets]
    stems = {path.stem for path in files} | {path.name for path in files} | {str(path) for path in files}
    by_column: list[tuple[str, list[str]]] = [
        (f"{{{name}}}", [])
        for name in shared
        if name != problem.id and train[name].head(TRIED).astype("str").isin(stems).all() and train[name].notna().all()
    ]
    shapes: Counter[tuple[str, str, str]] = Counter()
    for key in train[problem.id].head(TRIED):
        around = re.compile(rf"^(|.*\D){re.escape(Path(key).stem)}(|\D.*)$")
        for path in files:
            match = around.match(path.stem)
            if match:
                shapes[(str(path.parent), match[1], match[2] + path.suffix)] += 1
    whole = [shape for shape, count in shapes.items() if count >= min(TRIED, len(train))]
    templates = [str(Path(folder) / f"{before}{{{problem.id}}}{after}") for folder, before, after in whole]
    ranked = sorted(templates, key=lambda template: ("front" not in template, len(template), template))
    return by_column + [(template, [other for other in ranked if other != template]) for template in ranked]


def _labels(paths: pd.Series) -> tuple[str, pd.Series] | None:
    """A pattern of the labels that file names begin with, dog.12.jpg, and the labels."""
    words = paths.map(lambda path: re.match(r"[A-Za-z]+", Path(path).name))
    if words.isna().any():
        return None
    labels = words.map(lambda match: match[0])
    counts = labels.value_counts()
    if not 2 <= len(counts) <= MOST_CLASSES_IN_NAMES or counts.min() < 2:
        return None
    names = "|".join(sorted(counts.index, key=lambda name: (-len(name), name)))
    after = {re.sub(r"\d+", r"\\d+", re.escape(Path(path).stem[len(label) :])) for path, label in zip(paths, labels, strict=True)}
    tail = after.pop() if len(after) == 1 else r"[^/]*$"
    pattern = f"(?P<label>{names}){tail}"
    return (pattern, labels) if paths.str.extract(pattern)["label"].equals(labels) else None


def _groups(paths: pd.Series, labels: pd.Series) -> str | None:
    """A pattern of the groups in file names, C100 of C100P61ThinF_IMG_1.png, if they are evident.

    A group is the first word of letters and digits, with the same letters in all names and several rows each.
    """
    names = [
        [word for word in WORDS.findall(Path(path).stem) if word != label] for path, label in zip(paths, labels, strict=True)
    ]
    first = pd.Series([words[0] if words else "" for words in names])
    parts = first.str.extract(r"^([A-Za-z]+)(\d+)$")
    if parts.isna().any().any() or parts[0].nunique() != 1 or not _is_grouped(first):
        return None
    for pattern in (rf"(?P<group>{parts[0].iloc[0]}\d+)", rf"(?P<group>{parts[0].iloc[0]}\d+)[^/]*$"):
        if paths.str.extract(pattern)["group"].reset_index(drop=True).equals(first):
            return pattern
    return None


def _is_grouped(values: pd.Series) -> bool:
    return bool(values.nunique() >= FEWEST_GROUPS and len(values) / values.nunique() >= ROWS_PER_GROUP)
