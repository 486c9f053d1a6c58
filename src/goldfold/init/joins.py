"""Which other tables the rows get columns from, and by which key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition.joins import history_key, key_of
from goldfold.init.folder import Folder

TAKEN = ("count", "mean", "min", "max", "last")
"""What is taken of several rows for each row, unless the competitor says otherwise."""


def find_joins(
    folder: Folder, paths: Mapping[str, Path], others: Sequence[Path]
) -> tuple[dict[Path, dict[str, Any]], dict[Path, str]]:
    """Find the other tables that have a row for each row of both tables, or several, and columns that these lack.

    Returns them as competition.join has them, and what is to be said of others that share columns with both tables.

    One with what is asked, with columns of the test table, or beside a training table without a target, needs rows for the
    training table alone.
    """
    train, test = (set(folder.header(paths[role])) for role in ("train", "test"))
    asked = set(folder.header(paths["sample_submission"])) if "sample_submission" in paths else set()
    rows: dict[str, pd.DataFrame] = {}
    joins: dict[Path, dict[str, Any]] = {}
    related: dict[Path, str] = {}
    headers = {path: frozenset(folder.header(path)) for path in others}
    for path, columns in headers.items():
        lacks = bool((columns & (asked | test)) - train) or (train <= test and not columns <= test)
        if not columns & (train if lacks else train & test) or path in parts_of(joins):
            continue
        rows = rows or {role: folder.cells(paths[role]) for role in ("train", "test")}
        if lacks:
            if key := key_of(folder.cells(path), [rows["train"]]):
                joins[path] = {"by": _alone(key)}
            continue
        alike = [other for other in headers if headers[other] == columns and other not in parts_of(joins)]
        alike.sort(key=lambda other: "train" not in other.name)
        for parts in dict.fromkeys([(path,), tuple(alike)]):
            if join := _join_of(pd.concat([folder.cells(part) for part in parts]), [rows["train"], rows["test"]]):
                joins[parts[0]] = join | ({"beside": [str(part) for part in parts[1:]]} if parts[1:] else {})
                break
        else:
            shared = ", ".join(sorted(columns & train & test))
            related[path] = f"{len(folder.cells(path))} rows, with {shared} as in the tables; join can join it: docs/reading.md"
    return joins, related


def parts_of(joins: Mapping[Path, Mapping[str, Any]]) -> set[Path]:
    """The tables that are joined, with those beside them."""
    return {*joins, *(Path(part) for join in joins.values() for part in join.get("beside", ()))}


def _alone(key: Sequence[str]) -> str | list[str]:
    return key[0] if len(key) == 1 else list(key)


def _join_of(cells: pd.DataFrame, rows: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """How a table is joined to others, by one row for each of theirs or several; empty where it cannot be."""
    if key := key_of(cells, rows):
        return {"by": _alone(key)}
    history = history_key(cells, rows)
    return {"by": _alone(history), "take": list(TAKEN)} if history else {}
