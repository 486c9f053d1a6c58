"""Pseudo-labels: test rows that are trained on, labelled by a run's models (Lee 2013).

A fold learns from labels of its own models alone, which have not seen its validation rows, so its score stays honest.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import REFIT, PseudoConfig
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import ALWAYS, LEFT_OUT
from goldfold.scratch import repository


def save_pseudo_labels(path: Path, prepared: PreparedSet, by_fold: pd.DataFrame, run: str) -> None:
    """Write what the models of each fold of a run predict for the test rows (see Submission), with a digest of the folds."""
    by_fold.attrs = {"run": run, "split": prepared.split_digest()}
    with written_whole(path) as draft:
        by_fold.to_parquet(draft)


def with_pseudo_labels(prepared: PreparedSet, fold: int, config: PseudoConfig) -> tuple[PreparedSet, Array]:
    """Return the prepared set with test rows, labelled by the models of `fold`, after its training rows, and their predictions.

    A refit, which has no validation rows, learns from the mean of all folds' labels. Sure test rows are in the fold -1, which is
    trained on and never validated. Their inputs follow those of the training rows in any prepared set. Raises InputError for
    labels of other folds or other test rows.
    """
    problem, table = prepared.problem, read_pseudo_labels(config)
    labels = table[table["fold"] == fold]
    if fold == REFIT:
        named = [name for name in problem.outputs if name in table]
        labels = table.groupby(problem.id, sort=False, as_index=False)[named].mean() if problem.id in table else labels
        labels.attrs = table.attrs
    same_rows = list(labels[problem.id]) == list(prepared.test[problem.id]) if problem.id in labels else False
    if table.attrs.get("split") != prepared.split_digest() or not same_rows or not set(problem.outputs) <= set(labels):
        raise InputError(
            f"params.yaml, train.pseudo.labels: {config.labels} has other folds, classes or test rows than data/prepared; its "
            "models may have seen validation rows",
            mend="run `dvc repro` with the present folds, and `goldfold pseudo-label` on that run",
        )
    prediction = problem.predictions(labels)
    answers = pd.DataFrame(problem.target_columns(prediction), index=prepared.test.index)
    labelled = pd.concat([prepared.test.drop(columns=answers.columns, errors="ignore"), answers], axis=1)
    folds = np.where(is_sure(problem, prediction, config.confidence), ALWAYS, LEFT_OUT)
    extended = replace(
        prepared,
        train=pd.concat([prepared.train, labelled], ignore_index=True),
        folds=np.concatenate([prepared.folds, folds]).astype(prepared.folds.dtype),
        weights=None if prepared.weights is None else np.concatenate([prepared.weights, np.ones(len(folds))]),
    )
    return extended, prediction


def read_pseudo_labels(config: PseudoConfig) -> pd.DataFrame:
    """Read what `save_pseudo_labels` wrote; raises InputError where there is none."""
    path = repository() / config.labels
    if not path.is_file():
        raise InputError(
            f"params.yaml, train.pseudo.labels: there is no {config.labels}", mend="goldfold pseudo-label RUN writes it"
        )
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(
            f"params.yaml, train.pseudo.labels: {config.labels} is not Parquet: {error}",
            mend="goldfold pseudo-label RUN writes it",
        ) from None
    if "fold" not in table:
        raise InputError(
            f"params.yaml, train.pseudo.labels: {config.labels} has no column fold", mend="goldfold pseudo-label RUN writes it"
        )
    return table


def is_sure(problem: Problem, prediction: Array, confidence: float) -> Array:
    """Return which rows' labels are at least as probable as `confidence`, (n,) bool."""
    if problem.task == "regression":
        return np.ones(len(prediction), bool)
    if problem.task == "multiclass":
        return np.asarray(prediction.max(axis=1) >= confidence)
    sureness = np.maximum(prediction, 1 - prediction).reshape(len(prediction), -1)
    return np.asarray(sureness.min(axis=1) >= confidence)
