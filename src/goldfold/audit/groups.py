"""Groups of rows, such as a patient's, that folds share between training and validation, but train and test do not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from goldfold.audit.finding import Finding
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet

FEWEST_GROUPS, ROWS_EACH = 10, 2.0
FEWEST_NAMED, SOME_SEEN = 3, 2 / 3
"""The fewest groups of a column that is called as one; the share of test rows of known groups at which new ones are asked for."""
LESS, AT_MOST, DEVIATIONS = 0.2, 0.5, 3.0
ALIKE = 0.3
"""The least share of the target's variance between the groups of a column that the test table lacks."""
NAMES = re.compile(
    r"patient|subject|person|user|customer|client|player|speaker|session|group|site|slide|scene|video|series|study|device"
    r"|camera|family|household|cluster|batch",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Grouping:
    """A column, or the start of the ids, that groups rows: the number of groups, the share of the validation rows whose group is
    in training too, that of the test rows (None if the test table lacks the column), and whether that is a finding."""

    name: str
    groups: int
    seen_in_folds: float
    seen_in_test: float | None
    holds: bool


def find_groupings(prepared: PreparedSet) -> list[Grouping]:
    """Return the columns of repeated values, findings first.

    A column is a finding if most test rows are of groups that training lacks, and most validation rows are not; or if the test
    table lacks it, and its name is a group's or its groups explain the target.
    """
    groupings = [_grouping(prepared, *candidate) for candidate in _candidates(prepared)]
    return sorted(groupings, key=lambda grouping: (-grouping.holds, grouping.name))


def findings(groupings: list[Grouping]) -> list[Finding]:
    """Return a finding for each grouping that holds."""
    return [Finding("groups across folds", _message(grouping), serious=True) for grouping in groupings if grouping.holds]


def _message(grouping: Grouping) -> str:
    seen = f"{grouping.seen_in_folds:.0%} of the validation rows are of groups seen in training"
    shares = f"{grouping.groups:,} groups by {grouping.name}: {seen}"
    if grouping.seen_in_test is None:
        return f"{shares}; if those of the test rows are not, set split.group"
    return f"{shares}, {grouping.seen_in_test:.0%} of the test rows: set split.group"


def _candidates(prepared: PreparedSet) -> Iterator[tuple[str, pd.Series, pd.Series | None]]:
    """Yield a name and the groups of the training and of the test rows."""
    train, test, problem = prepared.train, prepared.test, prepared.problem
    apart = {problem.id, *problem.keys, *problem.targets}
    for name in train.columns:
        values = train[name]
        if name not in apart and not pd.api.types.is_float_dtype(values) and _repeats(values, _fewest(str(name))):
            both = pd.concat([values, test[name]] if name in test else [values], ignore_index=True).astype("str")
            yield str(name), both[: len(train)], both[len(train) :] if name in test else None
    ids = [table[problem.id].astype("str").str.replace(r"^.*/", "", regex=True) for table in (train, test)]
    for name, pattern in (("the first part of the id", r"[_\-.\s].*$"), ("the id before its last number", r"\d+\D*$")):
        first, second = (values.str.replace(pattern, "", regex=True) for values in ids)
        if _repeats(first):
            yield name, first, second


def _repeats(values: pd.Series, fewest: int = FEWEST_GROUPS) -> bool:
    distinct = values.nunique()
    return distinct >= fewest and len(values) >= ROWS_EACH * distinct


def _grouping(prepared: PreparedSet, name: str, train: pd.Series, test: pd.Series | None) -> Grouping:
    seen, validated = 0, 0
    for fold in range(int(prepared.folds.max()) + 1):
        rows = train.iloc[prepared.validation_rows(fold)]
        seen += int(rows.isin(train.iloc[prepared.training_rows(fold)]).sum())
        validated += len(rows)
    share = seen / max(validated, 1)
    if test is None or not len(test):
        text = not pd.api.types.is_numeric_dtype(prepared.train[name]) if name in prepared.train else False
        named = bool(NAMES.search(name)) or (text and _between(train, _ranked(prepared)) >= ALIKE)
        return Grouping(name, train.nunique(), share, None, bool(share > LESS and named))
    in_train = float(test.isin(train).mean())
    if NAMES.search(name) and in_train <= SOME_SEEN:
        return Grouping(name, train.nunique(), share, in_train, share - in_train > LESS)
    noise = DEVIATIONS * 0.5 / np.sqrt(max(test.nunique(), 1))
    return Grouping(name, train.nunique(), share, in_train, bool(in_train <= AT_MOST and share - in_train > max(LESS, noise)))


def _fewest(name: str) -> int:
    """The fewest groups that a column of this name may have: by their name a few speakers are groups, not a category."""
    return FEWEST_NAMED if NAMES.search(name) else FEWEST_GROUPS


def _ranked(prepared: PreparedSet) -> Array:
    truth = prepared.problem.truth(prepared.train)
    if prepared.problem.is_exclusive:
        truth = prepared.problem.class_of(truth)
        return np.asarray(truth[:, None] == np.unique(truth), np.float64)
    return pd.DataFrame(prepared.problem.amounts(truth)).rank().to_numpy()


def _between(groups: pd.Series, target: Array) -> float:
    """Return the share of the target's variance between groups, adjusted for chance (adjusted R²)."""
    table = pd.DataFrame(target, index=groups.index)
    within = ((table - table.groupby(groups).transform("mean")) ** 2).to_numpy().sum()
    whole = ((target - target.mean(axis=0)) ** 2).sum()
    rows, count = len(groups), groups.nunique()
    return float(1 - within / max(rows - count, 1) / max(whole / (rows - 1), 1e-12))
