"""Whether train and test can be told apart, and by what: adversarial validation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from goldfold.audit.finding import Finding
from goldfold.metrics import Array

FEWEST, MOST = 30, 4000
"""Rows of each table that it takes, and of each that are looked at."""
SPLITS = 5
APART, DEVIATIONS = 0.6, 3.0
TELLING, NAMED = 0.01, 5


@dataclass(frozen=True)
class Shift:
    """The ROC AUC of a classifier of train and test, its standard error over folds, and by how much it falls without each fact
    that it needs; with the medians of these in train and test."""

    auc: float
    error: float
    needs: Mapping[str, float] = field(default_factory=dict)
    medians: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether train and test are told apart, more than by chance."""
        return self.auc >= APART and self.auc - DEVIATIONS * self.error > 0.5


def find_shift(facts: pd.DataFrame, train_rows: int) -> Shift | None:
    """How well gradient boosting tells the test rows from the training rows by `facts`, training rows first.

    None where there are too few rows or no facts. What it needs is found by permuting each fact on held-out rows.
    """
    from threadpoolctl import threadpool_limits

    test_rows = len(facts) - train_rows
    if min(train_rows, test_rows) < FEWEST or not facts.shape[1]:
        return None
    draws = np.random.default_rng(0)
    parts = [draws.permutation(train_rows)[:MOST], train_rows + draws.permutation(test_rows)[:MOST]]
    rows, is_test = np.concatenate(parts), np.repeat([0, 1], [len(part) for part in parts])
    values = facts.to_numpy(dtype=np.float64)[rows]
    # One thread: so few rows gain nothing from more, which wait for each other where other work runs.
    with threadpool_limits(limits=1):
        aucs = [_auc(_fitted(values, is_test, fitted), values[held], is_test[held]) for fitted, held in _folds(values, is_test)]
        shift = Shift(float(np.mean(aucs)), float(np.std(aucs, ddof=1) / np.sqrt(SPLITS)))
        if not shift.holds:
            return shift
        falls = _falls(values, is_test)
    ranked = sorted(zip(facts.columns, falls, strict=True), key=lambda pair: -pair[1])
    needs = {str(name): float(fall) for name, fall in ranked[:NAMED] if fall >= TELLING}
    medians = {name: (float(facts[name][:train_rows].median()), float(facts[name][train_rows:].median())) for name in needs}
    return replace(shift, needs=needs, medians=medians)


def findings(shift: Shift | None) -> list[Finding]:
    """A finding where train and test are told apart. It is no mistake in the data, but says how far to trust the CV score."""
    if shift is None or not shift.holds:
        return []
    by = f" by {', '.join(list(shift.needs)[:3])}" if shift.needs else ""
    message = f"a classifier tells test rows from training rows{by} (ROC AUC {shift.auc:.2f})"
    return [Finding("train and test differ", message, serious=False)]


def _folds(values: Array, is_test: Array) -> Iterator[tuple[Array, Array]]:
    from sklearn.model_selection import StratifiedKFold

    yield from StratifiedKFold(SPLITS, shuffle=True, random_state=0).split(values, is_test)


def _fitted(values: Array, is_test: Array, rows: Array) -> Any:
    """A classifier of scikit-learn's, fitted to these rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, learning_rate=0.15, random_state=0)
    return model.fit(values[rows], is_test[rows])


def _auc(model: Any, values: Array, is_test: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_test, model.predict_proba(values)[:, 1]))


def _falls(values: Array, is_test: Array) -> Array:
    """By how much the ROC AUC of the first fold falls when each fact is permuted, (facts,)."""
    from sklearn.inspection import permutation_importance

    fitted, held = next(_folds(values, is_test))
    model = _fitted(values, is_test, fitted)
    looked = permutation_importance(model, values[held], is_test[held], scoring="roc_auc", n_repeats=3, random_state=0)
    return np.asarray(looked.importances_mean)
