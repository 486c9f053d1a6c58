"""How sure a score is."""

import numpy as np

from goldfold.competition import Problem
from goldfold.metrics import Array


def bootstrap_interval(
    problem: Problem, truth: Array, prediction: Array, resamples: int, confidence: float
) -> tuple[float, float]:
    """The percentile interval of the metric over resamples of the rows (Efron 1979); always the same for the same rows.

    Resamples on which the metric is undefined do not count; where it is undefined on all, both ends are NaN.
    """
    draws = np.random.default_rng(0)
    scores = []
    for _ in range(resamples):
        rows = draws.integers(len(truth), size=len(truth))
        scores.append(problem.score(truth[rows], prediction[rows]))
    tail = (1 - confidence) / 2
    defined = np.array(scores)[~np.isnan(scores)]
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (np.nan, np.nan)
    return float(low), float(high)
