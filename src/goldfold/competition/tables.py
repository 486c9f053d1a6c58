"""What a competition's tables must have: columns, rows, ids."""

import re
import string
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.tables import read_text_table

TOTALS = frozenset({"total", "totals", "grand total", "sum", "sums", "mean", "average", "count", "all", "gesamt", "summe"})
"""What the last row of a table that sums up its others is called."""


def fields_of(template: str) -> list[str]:
    """The columns that a template such as `{patient}_{side}` refers to."""
    return [name for _, name, _, _ in string.Formatter().parse(template) if name]


def filled(table: pd.DataFrame, template: str) -> list[str]:
    """A template filled in by each row; a field is a column's whole name, `{image.path}` and `{a[0]}` too.

    Whole numbers are written without a point. Raises InputError for a format that the cells do not take.

    >>> filled(pd.DataFrame({"image.path": ["a"], "n": [7]}), "{image.path}/{n:03d}.png")
    ['a/007.png']
    """
    parts = [(text, name, spec or "") for text, name, spec, _ in string.Formatter().parse(template)]
    try:
        columns = [
            [format(_whole(value), spec) for value in table[name]] if name else [""] * len(table) for _, name, spec in parts
        ]
    except ValueError as error:
        raise InputError(
            f"the template {template} does not fit its columns: {error}", mend="write its fields without a format, {id}"
        ) from None
    return ["".join(text + cell for (text, _, _), cell in zip(parts, row, strict=True)) for row in zip(*columns, strict=True)]


def _whole(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def require_columns(table: Collection[str], wanted: Collection[str], where: str, key: str) -> None:
    """Raise InputError for columns, named by params.yaml's `key`, that the table `where` does not have."""
    missing = [name for name in wanted if name not in table]
    if missing:
        raise InputError(
            f"{where} has no column {', '.join(missing)}{nearest(missing[0], list(table))}",
            [f"its columns are {', '.join(list(table)[:30])}"],
            f"correct {key} in params.yaml",
        )


def read_rows(paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
    """Read several tables as one, of texts, whose index is each row's file and line."""
    tables = [read_text_table(path, header) for path in paths]
    names = [f"{table.path} row {row}" for table in tables for row in table.rows]
    return pd.concat([table.cells for table in tables]).fillna("").set_axis(names)


def line(position: int, header: bool = True) -> str:
    """The number of a table's row in its file, by its `position` from 0; the header is row 1."""
    return f"row {position + 1 + header}"


def named_alike(cells: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a table with the column names of another, where they differ by case, spaces and marks alone, and what was renamed.

    >>> named_alike(pd.DataFrame({"passenger id": ["1"]}), ["PassengerId"])[1]
    {'passenger id': 'PassengerId'}
    """
    here = [str(name) for name in cells.columns if name not in columns]
    there = [name for name in columns if name not in cells.columns]
    ours, theirs = {_bare(name): name for name in here}, {_bare(name): name for name in there}
    is_clear = len(ours) == len(here) and len(theirs) == len(there)
    renamed = {name: theirs[bare] for bare, name in ours.items() if bare and bare in theirs} if is_clear else {}
    return cells.rename(columns=renamed), renamed


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def require_ids(table: pd.DataFrame, id_column: str, path: Path) -> None:
    """Raise InputError for a table without rows, for empty or repeated ids, and for a last row of totals."""
    if table.empty:
        raise InputError(f"{path} has no rows", mend="give the whole file, or name another one in params.yaml, competition")
    ids = table[id_column]
    if ids.iloc[-1].strip(" :").casefold() in TOTALS and pd.to_numeric(ids.iloc[:-1], errors="coerce").notna().all():
        raise InputError(
            f"{path}: the last row is no row of data: its {id_column} is {ids.iloc[-1]!r}, and all others are numbers",
            mend="remove it",
        )
    empty = [line(position) for position in (ids == "").to_numpy().nonzero()[0].tolist()]
    if empty:
        raise InputError(f"{path}: rows without {id_column}: {len(empty)}", empty, "give every row an id")
    twice = ids.duplicated(keep=False).to_numpy()
    if twice.any():
        first: dict[str, int] = {}
        repeats = []
        for position in twice.nonzero()[0].tolist():
            seen = first.setdefault(ids.iloc[position], position)
            if seen != position:
                repeats.append(f"{line(position)}: {id_column} {ids.iloc[position]}, first seen in {line(seen)}")
        raise InputError(
            f"{path}: repeated ids: {len(repeats)}",
            repeats,
            "keep one row per id, or name another column in competition.id",
        )
