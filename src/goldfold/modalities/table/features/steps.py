"""The entries one after another: fitted to the training rows of a fold, and applied to any rows."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.metrics import Array
from goldfold.modalities.table.features.entries import parse_entry
from goldfold.modalities.table.features.entry import KEY, Entry, Made
from goldfold.schema import Column, as_numbers

Step = Mapping[str, Any]
"""A fitted entry as JSON: the `entry`, what it `learned`, and the `names` of its columns by those that it gives them."""
PARTS = 5
"""The parts of the training rows for what reads the target: each is made by what the others tell."""


def frame_of(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return columns of a table as values: numbers float64, dates in UTC, categories and texts `str`; its index counts rows."""
    values = {column.name: _values(column, table[column.name]) for column in columns}
    return pd.DataFrame({name: each.array for name, each in values.items()}, index=range(len(table)))


def _values(column: Column, cells: pd.Series) -> pd.Series:
    values = column.read(cells)
    if column.kind in ("category", "text"):
        return values.astype("str")
    if column.kind == "date":
        return pd.to_datetime(values, utc=True)
    return pd.Series(as_numbers(values))


def fit_steps(
    entries: Sequence[Entry],
    frame: pd.DataFrame,
    everything: pd.DataFrame,
    truth: Array,
    problem: Problem,
    taken: Sequence[str],
) -> list[Step]:
    """Fit entries to training rows and their targets, and those that learn from all rows to `everything`.

    `taken` are the names of all columns of the table, which no column that is made gets. Raises InputError for columns that are
    not there, or that an entry cannot be made of.
    """
    steps: list[Step] = []
    of_target: list[str] = []
    used = {*taken, *frame.columns}
    whole = any(entry.all_rows for entry in entries)
    for entry in entries:
        _require_columns(entry, [*dict.fromkeys([*taken, *frame.columns])], of_target)
        learned = entry.learn(everything if entry.all_rows else frame, truth, problem)
        made, names = entry.make(frame, learned), dict[str, str]()
        for name in made:
            names[name] = _free(name, used)
            used.add(names[name])
        steps.append({"entry": entry.model_dump(mode="json"), "learned": learned, "names": names})
        if entry.reads_target:
            of_target += names.values()
            continue
        frame = _joined(frame, {names[name]: values for name, values in made.items()})
        if whole:
            everything = _joined(everything, made_by(steps[-1:], everything))
    return steps


def made_by(steps: Sequence[Step], frame: pd.DataFrame) -> Made:
    """Return the columns that fitted steps make of any rows, by name."""
    made: dict[str, Array] = {}
    for step in steps:
        entry = parse_entry(step["entry"])
        columns = entry.make(frame, step["learned"])
        new = {step["names"][name]: values for name, values in columns.items()}
        frame, made = _joined(frame, new), made | new
    return made


def made_in_training(steps: Sequence[Step], frame: pd.DataFrame, truth: Array, problem: Problem, folds: Array) -> Made:
    """Return the columns of the training rows that `steps` were fitted to: what reads the target is learned from other rows.

    `folds` are the rows' folds, whose rows stay together, as they do between training and validation.
    """
    made = dict(made_by(steps, frame))
    frame = _joined(frame, made)
    for step in steps:
        entry = parse_entry(step["entry"])
        if not entry.reads_target:
            continue
        for others, rows in _parts(folds):
            part, names = frame.iloc[rows].reset_index(drop=True), step["names"]
            columns = entry.make(part, entry.learn(frame.iloc[others].reset_index(drop=True), truth[others], problem))
            for name, values in columns.items():
                made[names[name]] = np.array(made[names[name]])
                made[names[name]][rows] = values
    return made


def columns_made(made: Made) -> list[Column]:
    """Return what the columns are that steps have made."""
    return [Column(name, "number" if values.dtype.kind == "f" else "category") for name, values in made.items()]


def _parts(folds: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the rows of all parts but one, and those of that one: the folds, or a shuffle where training has fewer than three."""
    numbers, places = np.unique(folds, return_inverse=True)
    if len(numbers) < 3:
        places = np.random.default_rng(0).permutation(len(folds))
    for part in range(PARTS):
        inside = places % PARTS == part
        if inside.any():
            yield np.flatnonzero(~inside), np.flatnonzero(inside)


def _joined(frame: pd.DataFrame, made: Made) -> pd.DataFrame:
    """The frame with columns that were made; a text "" is missing in it."""
    values = {name: pd.Series(made[name]) for name in made}
    texts = {name: each.mask(each == "").astype("str") for name, each in values.items() if each.dtype == object}
    return pd.concat([frame, pd.DataFrame({**values, **texts}, index=frame.index)], axis=1)


def _free(name: str, used: set[str]) -> str:
    while name in used:
        name += "'"
    return name


def _require_columns(entry: Entry, names: Sequence[str], of_target: Sequence[str]) -> None:
    for name in entry.sources:
        if name in of_target:
            why = "is learned from the target, and no further feature is made of it"
            raise InputError(f"params.yaml, {KEY}: {entry.name}: {name} {why}", mend="leave it out")
        if name not in names:
            there = f"the columns are {', '.join(names[:30])}{', …' if len(names) > 30 else ''}"
            raise InputError(f"params.yaml, {KEY}: {entry.name}: there is no column {name}{nearest(name, names)}", mend=there)
