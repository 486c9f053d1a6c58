"""Out-of-fold predictions made outside the pipeline, as a table to be scored."""

from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet


def oof_table(prepared: PreparedSet, rows: Array, oof: Array | pd.Series | pd.DataFrame) -> pd.DataFrame:
    """Make the out-of-fold table (see CVResult) of the training rows at the positions `rows`.

    `oof` has a row for each training row, see `Repository.score`. Raises InputError for predictions of another shape, for an id
    with two predictions, and for one of `rows` without one.
    """
    problem = prepared.problem
    problem.require_no_masks("scoring your own")
    prediction = _predictions(problem, _in_order(oof, prepared.train[problem.id], problem)[rows])
    truth = prepared.train.iloc[rows].reset_index(drop=True)
    table = pd.concat([truth[list(problem.columns)], problem.table(prediction)], axis=1)
    _require_predicted(problem, table)
    return table.assign(row=rows, fold=prepared.folds[rows])


def _in_order(oof: Any, ids: pd.Series, problem: Problem) -> Array:
    """Return predictions as an array, a row per id in the order of `ids`; missing ones are NaN."""
    if isinstance(oof, pd.DataFrame) and problem.id in oof:
        oof = oof.set_index(problem.id)
    if isinstance(oof, pd.DataFrame):
        named = next((list(names) for names in (problem.outputs, problem.names) if set(names) <= set(oof.columns)), None)
        oof = oof[named] if named else oof
    if isinstance(oof, pd.Series | pd.DataFrame) and not isinstance(oof.index, pd.RangeIndex):
        if oof.index.has_duplicates:
            repeated = sorted(set(oof.index[oof.index.duplicated()].astype(str)))
            raise InputError("ids with two predictions", [f"{problem.id} {i}" for i in repeated], "keep one row for each")
        oof = oof.reindex(list(ids))
    values = np.atleast_1d(np.asarray(oof))
    if len(values) != len(ids):
        raise InputError(
            f"{len(values)} predictions for {len(ids)} training rows",
            mend="give one for each row of repo.train, or a table by id",
        )
    return values


def _predictions(problem: Problem, values: Array) -> Array:
    """Return predictions in the shape that metrics take; a label becomes a probability of 1."""
    if problem.is_exclusive and values.ndim == 1 and (problem.task == "multiclass" or values.dtype.kind not in "fiub"):
        index = pd.Series(values).astype(str).map({label: position for position, label in enumerate(problem.classes)})
        values = np.eye(len(problem.classes))[index.fillna(0).astype(int)]
        values[index.isna().to_numpy()] = np.nan
    try:
        values = values.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"predictions that are not numbers: {error}", mend="give probabilities, values, or labels") from None
    if values.ndim == 2 and problem.task == "binary" and values.shape[1] == 2:
        return values[:, 1]
    if values.ndim == 2 and values.shape[1] == 1 and len(problem.outputs) == 1:
        return values[:, 0]
    if values.reshape(len(values), -1).shape[1] != len(problem.outputs):
        columns = ", ".join(problem.outputs)
        raise InputError(f"predictions of shape {values.shape}", mend=f"give a column for each of: {columns}")
    return values


def _require_predicted(problem: Problem, table: pd.DataFrame) -> None:
    """Raise InputError for validation rows without a prediction, or with one that is not a probability."""
    values = table[list(problem.outputs)].to_numpy()
    bad = ~np.isfinite(values).all(axis=1)
    if problem.task != "regression":
        bad |= ((values < 0) | (values > 1)).any(axis=1)
    if bad.any():
        kind = "prediction" if problem.task == "regression" else "probability or a label of training"
        rows = [f"{problem.id} {i}" for i in table[problem.id][bad]]
        raise InputError(f"{len(rows)} validation rows without a {kind}", rows, "predict every row that repo.folds() validates")
