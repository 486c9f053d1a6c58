"""Adversarial validation: whether train and test can be told apart, and by which facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from goldfold.audit.finding import Finding
from goldfold.metrics import Array

FEWEST, MOST = 30, 4000
"""The least and the largest number of rows of each table."""
SPLITS = 5
APART, DEVIATIONS = 0.6, 3.0
TELLING, NAMED = 0.01, 5


@dataclass(frozen=True)
class Shift:
    """The ROC AUC of a classifier of train and test, its standard error over folds, how much it falls without each fact that it
    needs, and the medians of these facts in train and test."""

    auc: float
    error: float
    needs: Mapping[str, float] = field(default_factory=dict)
    medians: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether train and test can be told apart, more than by chance."""
        return self.auc >= APART and self.auc - DEVIATIONS * self.error > 0.5


def find_shift(facts: pd.DataFrame, train_rows: int) -> Shift | None:
    """Return how well gradient boosting tells test rows from training rows by `facts`, training rows first.

    None if there are too few rows or no facts. Each fact is permuted on held-out rows to find those that it needs.
    """
    from threadpoolctl import threadpool_limits

    test_rows = len(facts) - train_rows
    if min(train_rows, test_rows) < FEWEST or not facts.shape[1]:
        return None
    draws = np.random.default_rng(0)
    parts = [draws.permutation(train_rows)[:MOST], train_rows + draws.permutation(test_rows)[:MOST]]
    rows, is_test = np.concatenate(parts), np.repeat([0, 1], [len(part) for part in parts])
    values = facts.to_numpy(dtype=np.float64)[rows]
    # So few rows gain nothing from more threads.
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
    """Return a finding if train and test can be told apart, which limits the trust in the CV score."""
    if shift is None or not shift.holds:
        return []
    by = f" by {', '.join(list(shift.needs)[:3])}" if shift.needs else ""
    message = f"a classifier can tell test rows from training rows{by} (ROC AUC {shift.auc:.2f})"
    return [Finding("train and test differ", message, serious=False)]


def _folds(values: Array, is_test: Array) -> Iterator[tuple[Array, Array]]:
    from sklearn.model_selection import StratifiedKFold

    yield from StratifiedKFold(SPLITS, shuffle=True, random_state=0).split(values, is_test)


def _fitted(values: Array, is_test: Array, rows: Array) -> Any:
    """Return a classifier of scikit-learn, fitted to these rows."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=40, max_leaf_nodes=15, learning_rate=0.15, random_state=0)
    return model.fit(values[rows], is_test[rows])


def _auc(model: Any, values: Array, is_test: Array) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(is_test, model.predict_proba(values)[:, 1]))


def _falls(values: Array, is_test: Array) -> Array:
    """Return how much the ROC AUC of the first fold falls when each fact is permuted, (facts,)."""
    from sklearn.inspection import permutation_importance

    fitted, held = next(_folds(values, is_test))
    model = _fitted(values, is_test, fitted)
    importance = permutation_importance(model, values[held], is_test[held], scoring="roc_auc", n_repeats=3, random_state=0)
    return np.asarray(importance.importances_mean)
