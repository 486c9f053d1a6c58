"""Whether some of a competition's images are masks of the others, and how their names tell which."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.layouts import MASK
from goldfold.competition.mask_files import LABEL, masks_of_rows, places, without_masks
from goldfold.competition.painted_masks import painted
from goldfold.competition.sides import WORDS, side_of, side_of_path
from goldfold.competition.tables import fields_of
from goldfold.errors import QuestionError, Reply
from goldfold.init.folder import Folder
from goldfold.init.tables import Tables
from goldfold.masks import is_code

SIDE = r"(?:tr|trn|train|training|val|valid|validation|ts|tst|test|testing)?"
MASKS = re.compile(
    rf"{SIDE}(?:masks?|segs?|segm|segmentations?|labels?|lbls?|annots?|annotations?|gts?|groundtruths?|truths?|mattes?|targets?|masked)",
    re.IGNORECASE,
)
"""Words of folders and files that hold masks."""
LOOKED_AT = 20
FEWEST_VALUES = 16
"""Different values of a file up to which it is a mask, whatever it is called, beside photos with the same names."""
MOST_VALUES = 1024
"""Different values of a file from which on it is a photo."""
MOST_CLASSES = 100
FEW = 200
"""Images by which templates are tried."""


def find_mask_files(folder: Folder, tables: Tables, images: Sequence[Path], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of `competition` by which mask files are read; none where no images are masks of others.

    Raises QuestionError where a training table has a column that may be the answer, too.
    """
    if overrides.get("task", "masks") != "masks" or ("target" in overrides and "masks" not in overrides):
        return {}
    files = [path.as_posix() for path in images]
    named = [path for path in files if _says_mask(path)] or _flat_beside_photos(folder.root, files, tables)
    template = overrides.get("masks") or _best(files, named) or _by_column(folder, tables, files)
    if template is None or not ("masks" in overrides or _are_flat(folder.root, files, template)):
        return {}
    found: dict[str, Any] = {"task": "masks", "masks": template}
    sample = folder.cells(tables.sample[0]) if tables.sample else None
    if label := _label(sample):
        found["mask"] = {"label": label}
    if tables.train is None or not lists_images(folder, tables, images):
        return found
    train = folder.cells(tables.train[0])
    by = str(overrides.get("id", sample.columns[0] if sample is not None and sample.columns[0] in train else train.columns[0]))
    others = _others(folder, tables, train, by, files)
    asked = list(sample.columns[1:]) if sample is not None else []
    if others and not {"masks", "task"} & set(overrides):
        if any(name in train for name in asked) or (sample is not None and not sample[asked[-1:]].map(is_code).to_numpy().all()):
            return {}
        if sample is None:
            raise QuestionError(
                f"{tables.train[0]} has {', '.join(others[:5])}, and images have mask files, {template}: what is predicted?",
                [Reply("task", "masks", "the masks"), Reply("target", others[-1], f"the column {others[-1]}")],
            )
    by_table = template if "masks" in overrides else _in_table(train, by, files, template)
    return {**found, "masks": by_table, "id": by, "target": MASK} if by_table else {}


def values_setting(competition: Competition, given: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the setting `mask` with what the values of mask files mean, so that classes can be named, and why."""
    why = next(decision.why for decision in competition.decisions if decision.setting == "mask files")
    classes = competition.problem.targets
    if len(classes) < 2 or "values" in given or LABEL in fields_of(str(competition.masks)):
        return dict(given), why
    return {**given, "values": {name: name for name in classes}}, f"{why}; rename classes here"


def lists_images(folder: Folder, tables: Tables, images: Sequence[Path]) -> bool:
    """Return whether a column of the training table names images."""
    if tables.train is None:
        return False
    names = {path.stem for path in images}
    train = folder.cells(tables.train[0]).head(FEW)
    return any(_names_files(train[name], names) for name in train)


def _names_files(cells: pd.Series, names: set[str]) -> bool:
    return bool(cells.map(lambda cell: Path(str(cell).replace("\\", "/")).stem in names or cell in names).mean() > 0.5)


def _others(folder: Folder, tables: Tables, train: pd.DataFrame, by: str, files: Sequence[str]) -> list[str]:
    """The columns of the training table that may be an answer: neither its id, nor files, nor known of test rows.

    A label such as 1 may be a file's name as well; but few differ.
    """
    known = {by, MASK, *(folder.header(tables.test[0]) if tables.test else [])}
    names = {PurePosixPath(path).stem for path in files}
    many = train[by].nunique() / 2
    named = [name for name in train if train[name].nunique() >= many and _names_files(train[name], names)]
    return [str(name) for name in train if name not in known and name not in named]


def _label(sample: pd.DataFrame | None) -> str | None:
    """The column of a sample submission that says which class a code is of: its ids have a row for each."""
    if sample is None or len(sample.columns) < 3 or not sample.iloc[:, 0].duplicated().any():
        return None
    first = str(sample.columns[0])
    names = [str(name) for name in sample.columns[1:] if not sample.duplicated([first, name]).any()]
    few = [name for name in names if sample[name].nunique() <= MOST_CLASSES]
    return few[0] if len(few) == 1 else None


def _flat_beside_photos(root: Path, files: Sequence[str], tables: Tables) -> list[str]:
    """Without a training table: the files of a folder that have the names of those of one other, and few values where that has
    many."""
    folders: dict[str, list[str]] = {}
    for path in files if tables.train is None else ():
        folders.setdefault(path.rpartition("/")[0], []).append(path)
    alike: dict[frozenset[str], list[list[str]]] = {}
    for paths in folders.values():
        names = frozenset(path.rpartition("/")[2].rpartition(".")[0].casefold() for path in paths)
        alike.setdefault(names, []).append(paths)
    found = []
    for pair in [pair for pair in alike.values() if len(pair) == 2][:LOOKED_AT]:
        flat = [paths for paths in pair if _has_few_values(root, paths, FEWEST_VALUES)]
        found += flat[0] if len(flat) == 1 else []
    return found


def _best(files: Sequence[str], split: Sequence[str]) -> str | None:
    """The template that finds masks for most images, and of those the one that leaves fewest masks; None where half have none."""
    others = sorted(set(files) - set(split))
    sides = [side_of_path(path.rpartition("/")[0]) for path in others]
    training = [path for path, side in zip(others, sides, strict=True) if side == "train"]
    training = training or [path for path, side in zip(others, sides, strict=True) if side not in ("test", "prediction")]
    if not split or not training:
        return None
    ranked, training = [], _some(training)
    for at, template in enumerate(_templates(training, split)):
        images = without_masks(training, template)
        rows = masks_of_rows(pd.DataFrame(index=range(len(images))), images, files, template, "")
        is_clear = all(len({file.label for file in row}) == len(row) or "*" in template for row in rows)
        is_clear &= sum(map(len, rows)) == len({file.path for row in rows for file in row})
        if "{label}" in template:
            is_clear &= any(len(row) > 1 for row in rows) and not any(side_of(file.label) for row in rows for file in row)
        used = len({file.path for row in rows for file in row})
        if is_clear and 2 * sum(map(bool, rows)) > len(training):
            left = len(split) - len(without_masks(split, template))
            ranked.append((-sum(map(bool, rows)), -used, -left, at, template))
    return min(ranked)[-1] if ranked else None


def _says_mask(path: str) -> bool:
    """Whether a folder's name, or the first or last word of a file's, says that it holds masks."""
    whole = PurePosixPath(path)
    words = WORDS.findall(whole.stem)
    folders = [word for part in whole.parent.parts for word in [*WORDS.findall(part), re.sub(r"[\W_]+", "", part)]]
    return any(MASKS.fullmatch(word) for word in [*folders, *words[:1], *words[-1:]])


def _some(paths: Sequence[str]) -> list[str]:
    return [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(len(paths), FEW))]


def _templates(images: Sequence[str], masks: Sequence[str]) -> list[str]:
    """Templates by which some of the masks are those of some images, in the order of how often they were seen."""
    by_name: dict[str, list[str]] = {}
    for path in masks:
        for key in _keys(PurePosixPath(path).stem):
            by_name.setdefault(key, []).append(path)
    below: dict[str, list[str]] = {}
    for path in masks:
        below.setdefault(path.rpartition("/")[0].rpartition("/")[0], []).append(path)
    seen: dict[str, int] = {}
    for image in images:
        parts = places(image)
        names = [parts["stem"], parts["start"], parts["end"]]
        found = {mask for name in names if name for mask in by_name.get(name.casefold(), [])}
        inner = below.get(parts["above"].removeprefix("./"), [])
        shapes = {template for mask in found for template in _shapes(parts, mask)}
        if not found and len(inner) > 1 and parts["above"] != ".":
            shapes = {f"{folder}/*{PurePosixPath(inner[0]).suffix}" for folder in _folders(parts, inner[0])}
        for template in shapes:
            seen[template] = seen.get(template, 0) + 1
    return sorted(
        seen, key=lambda template: (-seen[template], "{start}" in template or "{end}" in template, len(template), template)
    )


def _keys(stem: str) -> set[str]:
    """What a mask's name may have in common with its image's: the whole, and what is left of it without words at its ends."""
    words = [stem]
    for mark in "_-. ":
        words += [stem.rpartition(mark)[0], stem.partition(mark)[2]]
    words += [re.sub(r"(?i)(?:mask|seg|gt|label)s?$", "", stem), re.sub(r"(?i)^(?:mask|seg|gt|label)s?", "", stem)]
    return {word.strip("_-. ").casefold() for word in words} - {""}


def _shapes(parts: Mapping[str, str], mask: str) -> list[str]:
    """The templates by which an image of these `parts` has a mask."""
    path = PurePosixPath(mask)
    names = []
    for field in ("stem", "start", "end"):
        at = path.stem.casefold().find(parts[field].casefold()) if parts[field] else -1
        if at < 0:
            continue
        before, after = path.stem[:at], path.stem[at + len(parts[field]) :]
        names.append(f"{_literal(before)}{{{field}}}{_literal(after)}")
        if after[:1] == "_" and "_" not in after[1:]:
            names.append(f"{_literal(before)}{{{field}}}_{{label}}")
    return [f"{folder}/{name}{path.suffix}".removeprefix("./") for folder in _folders(parts, mask) for name in names]


def _folders(parts: Mapping[str, str], mask: str) -> list[str]:
    """The ways to say where a mask's folder is."""
    folder = PurePosixPath(mask).parent
    text = _literal(folder.as_posix())
    ways = [text, str(PurePosixPath(text).parent / "{label}")] if len(folder.parts) > 1 else [text]
    for field in ("folder", "above"):
        if (whole := PurePosixPath(parts[field])) == folder:
            ways.append(f"{{{field}}}")
        elif folder.is_relative_to(whole) and len(whole.parts):
            ways.append(f"{{{field}}}/{_literal(folder.relative_to(whole).as_posix())}")
    if parts["inner"] and folder.name == parts["inner"] and len(folder.parts) > 1:
        ways.append(f"{_literal(folder.parent.as_posix())}/{{inner}}")
    if parts["side"] and parts["side"] in text:
        ways.append(text.replace(parts["side"], "{side}"))
    return [re.sub(r"^\./", "", way) for way in ways]


def _by_column(folder: Folder, tables: Tables, files: Sequence[str]) -> str | None:
    """The template of a column of the training table that names files which say that they are masks."""
    if tables.train is None:
        return None
    train, masks = folder.cells(tables.train[0]), {path for path in files if _says_mask(path)}
    known = folder.header(tables.test[0]) if tables.test else []
    return next((found for name in train if name not in known and (found := _naming(str(name), train[name], masks))), None)


def _naming(name: str, cells: pd.Series, masks: set[str]) -> str | None:
    """The template of a column most of whose cells name a file of `masks`; None for another one."""
    texts = cells.map(lambda cell: str(cell).replace("\\", "/").removeprefix("./"))
    if texts.isin(masks).mean() > 0.5:
        return f"{{{name}}}"
    if texts.isin({PurePosixPath(path).name for path in masks}).mean() <= 0.5:
        return None
    folders = {str(PurePosixPath(path).parent) for path in masks}
    return f"{_literal(folders.pop())}/{{{name}}}" if len(folders) == 1 else None


def _in_table(train: pd.DataFrame, by: str, files: Sequence[str], template: str) -> str | None:
    """The template over a table's columns: by one that names the masks, else by the ids."""
    masks = set(files) - set(without_masks(files, template))
    if found := next((found for name in train if name != by and (found := _naming(str(name), train[name], masks))), None):
        return found
    rows = masks_of_rows(train, list(train[by]), files, template, str(by))
    if 2 * sum(map(bool, rows)) > len(train):
        return template
    shared = re.sub(r"\{(?:side|folder|above)\}", "*", template)
    rows = masks_of_rows(train, list(train[by]), files, shared, str(by))
    folders = {str(PurePosixPath(file.path).parent) for row in rows for file in row}
    if len(folders) > 1 or 2 * sum(map(bool, rows)) <= len(train):
        return None
    return f"{_literal(folders.pop())}/{template.rpartition('/')[2]}"


def _are_flat(root: Path, files: Sequence[str], template: str) -> bool:
    """Whether the files of a template have few values, as masks do and photos do not."""
    return _has_few_values(root, sorted(set(files) - set(without_masks(files, template))), MOST_VALUES)


def _has_few_values(root: Path, masks: Sequence[str], most: int) -> bool:
    some = [masks[int(at)] for at in np.linspace(0, len(masks) - 1, min(len(masks), LOOKED_AT))]
    try:
        read = [painted(root / path, "columns") for path in some]
    except ValueError:
        return True
    return all(len(np.unique(one.values)) <= most for one in read)


def _literal(text: str) -> str:
    """A text as a template holds it."""
    return text.replace("{", "{{").replace("}", "}}")
