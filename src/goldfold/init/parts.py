"""Tables that are shipped in several files: one for each class, or parts."""

import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pandas as pd

from goldfold.competition.sides import side_of
from goldfold.init.folder import Folder
from goldfold.tables.reading import ANY, ENDINGS, is_several, is_table

ROLES = {"sample_submission": ("submission", "submit", "sample"), "test": ("test",), "train": ("train",)}
"""The words by which tables' names say their role."""
LAST_NUMBER = re.compile(r"\d+(?=\D*$)")


def joined_tables(folder: Folder, tables: Sequence[Path]) -> list[Path]:
    """Return the tables, of which those that are one in several files are a path with *.

    One per class folder, cats/data.csv and dogs/data.csv, is */data.csv. Training or test rows in the files of a folder,
    train.parquet/ or train/, or in files whose names differ by a number, train_1.csv, are one table where no first cell repeats.
    """
    joined: list[Path] = []
    for pattern, paths in _grouped(tables, _of_class).items():
        joined += [pattern] if len(paths) > 1 and _are_alike(folder, paths) else paths
    grouped = _grouped(joined, _of_part)
    whole = [paths[0] for pattern, paths in grouped.items() if paths == [pattern]]
    return [
        path
        for pattern, paths in grouped.items()
        for path in ([pattern] if paths != [pattern] and _are_parts(folder, pattern, paths, whole) else paths)
    ]


def stem_of(table: Path) -> str:
    """Return what says a table's role: the name, or the folder of the files that it is read from.

    >>> stem_of(Path("Train_1.csv")), stem_of(Path("train/*/data.csv")), stem_of(Path("data/test.parquet/*.parquet"))
    ('train_1', 'train', 'test')
    """
    if ANY in table.parts:
        return table.parts[0].lower()
    named = table.parent if table.name.startswith(ANY) else table
    return named.name.lower().split(".")[0]


def _grouped(tables: Iterable[Path], pattern_of: Callable[[Path], Path]) -> dict[Path, list[Path]]:
    grouped: dict[Path, list[Path]] = {}
    for path in tables:
        grouped.setdefault(pattern_of(path), []).append(path)
    return grouped


def _of_class(path: Path) -> Path:
    """The pattern of the tables of a folder per class."""
    is_in_class = len(path.parts) > 1 and side_of(path.parent.name) is None and not is_table(path.parent)
    return path.parent.parent / ANY / path.name if is_in_class else path


def _of_part(path: Path) -> Path:
    """The pattern of the parts of a table."""
    if is_several(path):
        return path
    ending = max((ending for ending in ENDINGS if path.name.lower().endswith(ending)), key=len)
    name, ending = path.name[: -len(ending)], path.name[-len(ending) :]
    is_in_parts = len(path.parts) > 1 and (is_table(path.parent) or side_of(path.parent.name) is not None)
    return path.with_name((ANY if is_in_parts else LAST_NUMBER.sub(ANY, name)) + ending)


def _role_of(table: Path) -> str | None:
    return next((role for role, words in ROLES.items() if any(word in stem_of(table) for word in words)), None)


def _are_alike(folder: Folder, paths: Sequence[Path]) -> bool:
    return len({tuple(folder.header(path)) for path in paths}) == 1


def _are_parts(folder: Folder, pattern: Path, paths: Sequence[Path], whole: Sequence[Path]) -> bool:
    """Whether files hold the rows of one table, which no table that is `whole` has, and are not each of one row."""
    role = _role_of(pattern)
    if role not in ("train", "test") or role in map(_role_of, whole) or (len(paths) == 1 and not is_table(pattern.parent)):
        return False
    samples = [path for path in whole if _role_of(path) == "sample_submission"]
    rows = {key for path in samples for key in folder.cells(path).iloc[:, 0]}
    if rows & {name for path in paths for name in (path.name, path.stem)} or not _are_alike(folder, paths):
        return False
    return bool(pd.concat([folder.cells(path).iloc[:, 0] for path in paths]).is_unique)
