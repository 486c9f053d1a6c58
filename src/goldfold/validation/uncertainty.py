"""How sure a score is."""

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array, named_columns


def bootstrap_interval(
    problem: Problem, truth: Array, prediction: Array, resamples: int, confidence: float, table: pd.DataFrame | None = None
) -> tuple[float, float]:
    """The percentile interval of the metric over resamples of the rows (Efron 1979); always the same for the same rows.

    `table` holds the rows' columns that the metric's arguments name. Resamples on which the metric is undefined do not count;
    where it is undefined on all, both ends are NaN.
    """
    named = list(named_columns(problem.scored_by, problem.metric_args))
    scored = table[named] if named and table is not None else None
    draws = np.random.default_rng(0)
    scores = []
    for _ in range(resamples):
        rows = draws.integers(len(truth), size=len(truth))
        scores.append(problem.score(truth[rows], prediction[rows], scored.iloc[rows] if scored is not None else None))
    tail = (1 - confidence) / 2
    defined = np.array(scores)[~np.isnan(scores)]
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (np.nan, np.nan)
    return float(low), float(high)
