"""The uncertainty of a score."""

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array, named_columns
from goldfold.validation.resampling import resamples


def bootstrap_interval(
    problem: Problem,
    truth: Array,
    prediction: Array,
    number: int,
    confidence: float,
    table: pd.DataFrame | None = None,
    groups: Array | None = None,
) -> tuple[float, float]:
    """Return the percentile interval of the metric over `number` resamples of the rows (Efron 1979), the same each time.

    If rows of a group depend on each other, whole `groups`, (n,), are resampled. `table` has the columns that the metric's
    arguments name. Resamples on which the metric is undefined are skipped; both ends are NaN if it is undefined on all.
    """
    named = list(named_columns(problem.scored_by, problem.metric_args))
    scored = table[named] if named and table is not None else None
    truth, prediction = problem.measured(truth, prediction)
    scores = []
    for rows in resamples(len(truth), number, groups):
        scores.append(problem.score(truth[rows], prediction[rows], scored.iloc[rows] if scored is not None else None))
    tail = (1 - confidence) / 2
    defined = np.array(scores)[~np.isnan(scores)]
    low, high = np.quantile(defined, [tail, 1 - tail]) if len(defined) else (np.nan, np.nan)
    return float(low), float(high)
