"""Nested cross-validation: the rows of each fold are predicted by a blend that is fitted to the other folds."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from goldfold.blending.fits import Fit, Fitted
from goldfold.metrics import Array


@dataclass(frozen=True)
class Nested:
    """The prediction of all rows, (n, …), and the blend that predicted each fold."""

    prediction: Array = field(repr=False)
    fitted: dict[int, Fitted] = field(repr=False)


def nested(fit: Fit, values: Array, table: pd.DataFrame) -> Nested:
    """Predict the rows of each fold by a blend that is fitted to the other folds.

    `values` is (members, n, …), and `table` has n rows. A single fold, allowed if there is nothing to fit, is predicted by a
    blend of itself.
    """
    # In the order of the folds, each of them is one piece of memory: no row is looked up for itself.
    order = np.argsort(table["fold"].to_numpy(), kind="stable")
    values, table = values[:, order], table.iloc[order]
    folds, starts = np.unique(table["fold"].to_numpy(), return_index=True)
    prediction, fits = np.empty(values.shape[1:]), dict[int, Fitted]()
    for fold, start, end in zip(folds, starts, [*starts[1:], len(order)], strict=True):
        others = _without(values, start, end), pd.concat([table.iloc[:start], table.iloc[end:]])
        fits[int(fold)] = fit(*(others if len(folds) > 1 else (values, table)))
        prediction[order[start:end]] = fits[int(fold)].predict(values[:, start:end])
    return Nested(prediction, fits)


def _without(values: Array, start: int, end: int) -> Array:
    """The values without those of some rows that follow each other."""
    return np.concatenate([values[:, :start], values[:, end:]], axis=1)
