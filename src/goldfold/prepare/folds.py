"""Assigning the training rows to folds."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.competition.tables import line, require_columns
from goldfold.config import SplitConfig
from goldfold.config.data import MOST_FOLDS
from goldfold.errors import InputError
from goldfold.imports import refused
from goldfold.metrics import Array
from goldfold.schema.kinds import MISSING

MOST_QUANTILES = 10


def assign_folds(train: pd.DataFrame, problem: Problem, split: SplitConfig) -> Array:
    """Return the fold of each row, (n,) int16: the fold that validates it, or -1 where none does.

    Splitters are scikit-learn's, and iterative-stratification's for multilabel tasks (Sechidis et al. 2011). Raises
    InputError for a missing column, for a class with fewer rows (or groups) than folds under stratification, and for
    split.like where the task has no such folds.
    """
    for key in ("group", "time", "column"):
        column = getattr(split, key)
        if column:
            require_columns(train.columns, [column], "the training table", f"split.{key}")
            _require_filled(train, column, key)
    if split.strategy == "column":
        return _own_folds(train[str(split.column)])
    if split.strategy == "time":
        return _time_folds(train[str(split.time)], split.n_folds)
    _require_enough(len(train), max(split.n_folds, 2), "training rows")
    folds = np.full(len(train), -1, dtype=np.int16)
    with refused(f"params.yaml, split: {split.strategy} cannot split {len(train)} rows", "split otherwise"):
        for fold, rows in enumerate(_validation_rows(train, problem, split)):
            folds[rows] = fold
    return folds


def _require_filled(train: pd.DataFrame, column: str, key: str) -> None:
    """Raise InputError for rows without a value in a column that splits them."""
    empty = np.flatnonzero(train[column].isna() | train[column].astype("str").str.strip().str.casefold().isin({"", *MISSING}))
    if len(empty):
        raise InputError(
            f"{len(empty)} of {len(train)} training rows have no {column}, which split.{key} names",
            [line(int(row)) for row in empty],
            f"fill it in (a row that shares its {column} with no other gets one of its own), remove these rows, or split "
            f"otherwise: split.{key}: null with another split.strategy",
        )


def _validation_rows(train: pd.DataFrame, problem: Problem, split: SplitConfig) -> Iterator[Array]:
    """The validation rows of each fold in turn."""
    from sklearn import model_selection as sklearn

    groups = train[split.group] if split.group else None
    if groups is not None:
        _require_enough(groups.nunique(), max(split.n_folds, 2), f"groups in {split.group}")
    shuffled = {"n_splits": split.n_folds, "shuffle": True, "random_state": split.drawn_by}
    strata = None
    if split.like:
        strata = _shared_strata(train, problem, split.like)
    elif split.strategy in ("stratified", "stratified_group", "holdout"):
        strata = _strata(train, problem, split)
    if split.strategy == "holdout":
        part = {"n_splits": 1, "test_size": split.holdout, "random_state": split.seed}
        if groups is not None:
            splitter = sklearn.GroupShuffleSplit(**part)
        elif problem.task == "multilabel":
            from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit

            splitter = MultilabelStratifiedShuffleSplit(**part)
        else:
            splitter = sklearn.StratifiedShuffleSplit(**part)
    elif split.strategy == "kfold" or (split.like and strata is None):
        splitter = sklearn.KFold(**shuffled)
    elif split.strategy == "group":
        splitter = sklearn.GroupKFold(**shuffled)
    elif split.strategy == "stratified_group":
        splitter = sklearn.StratifiedGroupKFold(**shuffled)
    elif problem.task == "multilabel":
        from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

        splitter = MultilabelStratifiedKFold(**shuffled)
    else:
        splitter = sklearn.StratifiedKFold(**shuffled)
    for _, rows in splitter.split(np.zeros(len(train)), strata, groups):
        yield rows


def _shared_strata(train: pd.DataFrame, problem: Problem, like: str) -> Array | None:
    """The class of each row, however rare, as the folds that others share stratify by it; None for amounts."""
    if problem.task == "multilabel":
        raise InputError(
            f"params.yaml, split.like: {like} stratifies by one class, and a row of a multilabel task has several",
            mend="leave it out, or bring the folds that are shared as a column: split.strategy: column",
        )
    return None if problem.has_amounts else problem.class_of(problem.truth(train))


def _strata(train: pd.DataFrame, problem: Problem, split: SplitConfig) -> Array:
    """What to stratify by: the class, the labels of a multilabel task, or a quantile of the first of amounts."""
    truth = problem.truth(train)
    if problem.has_amounts:
        values = problem.amounts(truth)[:, 0]
        quantiles = min(MOST_QUANTILES, max(1, len(values) // max(split.n_folds, 2)))
        ranks = pd.Series(values).rank(method="first").to_numpy()
        return ((ranks - 1) * quantiles // len(values)).astype(int)
    if problem.task == "multilabel":
        if split.strategy == "stratified_group":
            # scikit-learn's splitter takes only classes, so each combination of labels is one.
            return np.unique(truth, axis=0, return_inverse=True)[1].ravel()
        counts = dict(zip(problem.names, truth.sum(axis=0), strict=True))
    else:
        truth = problem.class_of(truth)
        counts = dict(zip(problem.classes, np.bincount(truth, minlength=len(problem.classes)), strict=True))
    rare = {name: int(count) for name, count in counts.items() if count < max(split.n_folds, 2)}
    if rare:
        raise InputError(
            f"classes with too few rows to be split into {max(split.n_folds, 2)} parts: {len(rare)}",
            [f"{name}: {count} row{'s' * (count != 1)}" for name, count in rare.items()],
            "lower split.n_folds, set split.strategy: kfold, or merge or remove the rare classes",
        )
    return truth


def _own_folds(column: pd.Series) -> Array:
    """The competitor's own folds."""
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = (numbers.isna() | (numbers % 1 != 0) | (numbers < -1) | (numbers >= MOST_FOLDS)).to_numpy().nonzero()[0]
    if len(wrong):
        raise InputError(
            f"values of split.column {column.name} that are not folds: {len(wrong)}",
            [f"row {row + 2}: {column.iloc[row]}" for row in wrong],
            f"number the folds from 0, at most {MOST_FOLDS}, with -1 for rows that are always trained on",
        )
    return numbers.to_numpy(dtype=np.int16)


def _time_folds(column: pd.Series, n_folds: int) -> Array:
    """Blocks in time, each validated by a model of all the blocks before it; the first is never validated (-1).

    As scikit-learn's TimeSeriesSplit, but rows of one moment stay together.
    """
    moments = column.astype("float64") if column.dtype.kind in "iufbm" else pd.to_datetime(column, errors="coerce", utc=True)
    unread = moments.isna().to_numpy().nonzero()[0]
    if len(unread):
        raise InputError(
            f"values of split.time {column.name} that are not dates or numbers: {len(unread)}",
            [f"row {row + 2}: {column.iloc[row]}" for row in unread],
            "write them as 2026-01-31 or 2026-01-31 12:00",
        )
    _require_enough(moments.nunique(), n_folds + 1, f"moments in {column.name}")
    # Each moment goes where its first row would in n_folds + 1 blocks of equal length.
    position = (moments.rank(method="min").to_numpy() - 1) / len(moments)
    folds = (position * (n_folds + 1)).astype(np.int16) - 1
    empty = [str(fold) for fold in range(-1, n_folds) if not (folds == fold).any()]
    if empty:
        raise InputError(
            f"too many rows share a moment of {column.name} to make {n_folds} folds in time", mend="lower split.n_folds"
        )
    return folds


def _require_enough(count: int, needed: int, what: str) -> None:
    if count < needed:
        raise InputError(f"there are {count} {what}, too few for {needed} parts", mend="lower split.n_folds, or split otherwise")
