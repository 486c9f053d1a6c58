"""Duplicate rows: between folds, between train and test, and with different answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from goldfold.audit.finding import Finding, counted
from goldfold.files import read_parquet
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet
from goldfold.prepare.duplicates import FILE, groups_of
from goldfold.prepare.prepared_set import LEFT_OUT

SAME = 1e-9


@dataclass(frozen=True)
class Group:
    """Duplicate rows, numbered through the training and then the test table: their folds (None for test rows), how the pairs are
    alike, and whether their answers differ."""

    rows: tuple[int, ...]
    folds: tuple[int | None, ...]
    how: tuple[str, ...]
    likeness: float
    conflict: bool

    @property
    def across_folds(self) -> bool:
        """Whether a model is validated on one of the rows and trained on another."""
        return len({fold for fold in self.folds if fold not in (None, LEFT_OUT)}) > 1

    @property
    def across_tables(self) -> bool:
        """Whether both tables have some of the rows."""
        return None in self.folds and any(fold not in (None, LEFT_OUT) for fold in self.folds)


def find_groups(prepared: PreparedSet) -> list[Group] | None:
    """Return the groups of duplicates, the worst first; None if no duplicates were looked for."""
    path = prepared.folder / FILE
    if not path.is_file():
        return None
    pairs = read_parquet(path)
    ends = pairs[["first", "second"]].to_numpy()
    group_of = groups_of(ends, len(prepared.train) + len(prepared.test))
    how = dict(list(pairs.groupby(group_of[ends[:, 0]])))
    members = pd.Series(np.arange(len(group_of))).groupby(group_of).apply(list)
    truth = answers(prepared)
    items = []
    for group, part in how.items():
        rows = members[group]
        labels = truth[[row for row in rows if row < len(truth)]]
        items.append(
            Group(
                rows=tuple(rows),
                folds=tuple(int(prepared.folds[row]) if row < len(truth) else None for row in rows),
                how=tuple(sorted(set(part["how"]))),
                likeness=float(part["likeness"].min()),
                conflict=bool(len(labels) > 1 and np.ptp(labels, axis=0).max() > SAME),
            )
        )
    return sorted(items, key=lambda g: (-g.across_folds, -g.across_tables, -g.conflict, -len(g.rows), g.rows))


def answers(prepared: PreparedSet) -> Array:
    """Return the targets of the training rows as numbers, (rows, targets)."""
    return prepared.problem.amounts(prepared.problem.truth(prepared.train))


def findings(groups: Sequence[Group], prepared: PreparedSet) -> list[Finding]:
    """Return what the groups mean for the score."""
    if not groups:
        return []
    items = [Finding("duplicates", _message(groups), serious=False)]
    parted = [group for group in groups if group.across_folds]
    if parted:
        message = f"{counted(len(parted), 'group')} in several folds, so models are validated on rows that they were trained on"
        items.append(Finding("duplicates across folds", f"{message} (prepare.duplicates: one_fold mends it)", serious=True))
    leaked = sum(group.folds.count(None) for group in groups if group.across_tables)
    if leaked:
        message = f"{leaked:,} of {len(prepared.test):,} test rows are the same as training rows, or nearly"
        items.append(Finding("train and test", message, serious=True))
    conflicts = sum(group.conflict for group in groups)
    if conflicts:
        targets = " or ".join(prepared.problem.targets[:3])
        message = f"{counted(conflicts, 'group')} of duplicates with different {targets}: check which is right"
        items.append(Finding("conflicts", message, serious=True))
    return items


def _message(groups: Sequence[Group]) -> str:
    kinds = pd.Series([" and ".join(group.how) for group in groups]).value_counts()
    message = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    rows = sum(len(group.rows) for group in groups)
    return f"{rows:,} rows in {counted(len(groups), 'group')} are the same, or nearly: {message}"


def as_json(groups: Sequence[Group], prepared: PreparedSet) -> list[dict[str, Any]]:
    """Return the groups with the ids and folds (or `test`) of their rows, as JSON."""
    ids = [*prepared.train[prepared.problem.id], *prepared.test[prepared.problem.id]]
    return [
        {
            "rows": [
                {"id": str(ids[row]), "fold": "test" if fold is None else fold}
                for row, fold in zip(group.rows, group.folds, strict=True)
            ],
            "how": list(group.how),
            "likeness": round(group.likeness, 3),
            "across_folds": group.across_folds,
            "across_train_and_test": group.across_tables,
            "conflict": group.conflict,
        }
        for group in groups
    ]
