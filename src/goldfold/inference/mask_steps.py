"""Post-processing of masks: from which level on a pixel belongs to one, and below which area there is none."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from goldfold.competition import Problem
from goldfold.masks import at_thresholds, cut, levels
from goldfold.masks.levels import HALF
from goldfold.metrics import Array

if TYPE_CHECKING:
    from goldfold.inference.steps import Rows

STEP, MOST = 6, 120
"""Levels between two thresholds that are tried, and how far from one half."""
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
"""The smallest areas that are tried, as quantiles of those that are predicted."""


def fit_mask(rows: "Rows") -> dict[str, Any]:
    """Fit a threshold and a least area for each class in turn: the threshold first, and the values near the usual ones first."""
    problem = rows.problem
    counts = levels(rows.truth, rows.prediction, problem.mask_form)
    classes = counts.shape[1]
    threshold, least = np.full(classes, HALF), np.zeros(classes, np.int64)
    measured = replace(rows, truth=at_thresholds(counts, threshold, least)[0])
    tried = sorted(range(HALF - MOST, HALF + MOST + 1, STEP), key=lambda level: abs(level - HALF))
    for number in range(classes):

        def changed(values: Array, value: int, number: int = number) -> Array:
            return np.where(np.arange(classes) == number, value, values)

        best = measured.best(tried, lambda t: at_thresholds(counts, changed(threshold, t), least)[1])[0]  # noqa: B023
        threshold = changed(threshold, best)
        predicted = at_thresholds(counts, threshold, np.zeros(classes, np.int64))[1][:, number, 0]
        filled = predicted[predicted > 0]
        smallest = [0, *np.unique(np.quantile(filled, SHARES).astype(int)).tolist()] if len(filled) else [0]
        best = measured.best(smallest, lambda a: at_thresholds(counts, threshold, changed(least, a))[1])[0]  # noqa: B023
        least = changed(least, best)
    return {"threshold": threshold.tolist(), "least": least.tolist()}


def with_cuts(_: Problem, prediction: Array, threshold: list[int], least: list[int]) -> Array:
    """Return cells with the threshold and the least area of each class."""
    changed = np.empty_like(prediction)
    for number, (level, area) in enumerate(zip(threshold, least, strict=True)):
        changed[:, number] = [cut(cell, level, area) for cell in prediction[:, number].tolist()]
    return changed
