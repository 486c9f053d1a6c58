"""Calibration: how probabilities compare with frequencies."""

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array

BINS = 15


def claims(problem: Problem, truth: Array, prediction: Array) -> tuple[Array, Array]:
    """Return predicted probabilities, (k,), and whether each came true, 0 or 1, (k,).

    They are those of the most probable class, of the positive class (binary), or of each label of each row (multilabel).
    """
    if problem.task == "multiclass":
        best, actual = prediction.argmax(axis=1), problem.class_of(truth)
        return prediction[np.arange(len(best)), best], (best == actual).astype(int)
    return prediction.ravel(), np.asarray(truth).ravel().astype(int)


def reliability(probability: Array, holds: Array, bins: int = BINS) -> pd.DataFrame:
    """Return probabilities, (k,), and whether they came true, 0 or 1, (k,), in bins of equal width.

    Bins that are not empty, with the columns low, high, rows, predicted and observed (both means over the bin).
    """
    clipped = np.clip(probability, 0, 1)
    bin_number = np.minimum((clipped * bins).astype(int), bins - 1)
    grouped = pd.DataFrame({"bin": bin_number, "predicted": clipped, "observed": holds}).groupby("bin")
    table = grouped.mean().assign(rows=grouped.size()).reset_index()
    table = table.assign(low=table["bin"] / bins, high=(table["bin"] + 1) / bins)
    return table[["low", "high", "rows", "predicted", "observed"]]


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Return the mean distance of predicted from observed over the bins of `reliability`, weighted by their rows.

    Naeini, Cooper and Hauskrecht 2015; Guo et al. 2017, https://arxiv.org/abs/1706.04599.
    """
    return float(np.average((bins["predicted"] - bins["observed"]).abs(), weights=bins["rows"]))


def wilson_interval(share: Array, rows: Array, errors: float = 1.96) -> tuple[Array, Array]:
    """Return the Wilson interval (1927) of a share of so many rows; 1.96 standard errors are a 95% interval."""
    spread = errors**2 / rows
    middle = (share + spread / 2) / (1 + spread)
    half = errors * np.sqrt(share * (1 - share) / rows + spread / (4 * rows)) / (1 + spread)
    return np.asarray(middle - half), np.asarray(middle + half)
