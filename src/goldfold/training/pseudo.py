"""Pseudo-labels: test rows that are trained on as a run's models label them (Lee 2013).

A fold learns from labels of its own models alone, which have seen none of its validation rows, so its score stays honest.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import PseudoConfig
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import ALWAYS
from goldfold.scratch import repository

LEFT_OUT = ALWAYS - 1
"""The fold of test rows whose labels are not sure enough to be trained on."""


def save_pseudo_labels(path: Path, prepared: PreparedSet, by_fold: pd.DataFrame, run: str) -> None:
    """Write what each fold's models of a run predict of the test rows (see Submission), and what the folds were."""
    by_fold.attrs = {"run": run, "split": prepared.split_digest()}
    with written_whole(path) as draft:
        by_fold.to_parquet(draft)


def with_pseudo_labels(prepared: PreparedSet, fold: int, config: PseudoConfig) -> tuple[PreparedSet, Array]:
    """The prepared set with all test rows after its training rows, labelled by the models of `fold`, and their predictions.

    The sure ones are of the fold -1, which is trained on and never validated; what the kind of input keeps of the test rows
    follows that of the training rows already. Raises InputError for labels of other folds or other test rows.
    """
    problem, path = prepared.problem, repository() / config.labels
    if not path.is_file():
        raise InputError(
            f"params.yaml, train.pseudo.labels: there is no {config.labels}", mend="goldfold pseudo-label RUN writes it"
        )
    table = pd.read_parquet(path)
    labels = table[table["fold"] == fold]
    same_rows = list(labels[problem.id]) == list(prepared.test[problem.id]) if problem.id in labels else False
    if table.attrs.get("split") != prepared.split_digest() or not same_rows or not set(problem.outputs) <= set(labels):
        raise InputError(
            f"params.yaml, train.pseudo.labels: {config.labels} is of other folds, classes or test rows than data/prepared has; "
            "its models may have seen the rows that are to judge",
            mend="run `dvc repro` with the folds of now, and `goldfold pseudo-label` on that run",
        )
    prediction = problem.predictions(labels)
    answers = pd.DataFrame(problem.target_columns(prediction), index=prepared.test.index)
    labelled = pd.concat([prepared.test.drop(columns=answers.columns, errors="ignore"), answers], axis=1)
    folds = np.where(is_sure(problem, prediction, config.confidence), ALWAYS, LEFT_OUT)
    extended = replace(
        prepared,
        train=pd.concat([prepared.train, labelled], ignore_index=True),
        folds=np.concatenate([prepared.folds, folds]).astype(prepared.folds.dtype),
    )
    return extended, prediction


def is_sure(problem: Problem, prediction: Array, confidence: float) -> Array:
    """Which rows' labels are as probable as `confidence` asks, (n,)."""
    if problem.task == "regression":
        return np.ones(len(prediction), bool)
    if problem.task == "multiclass":
        return np.asarray(prediction.max(axis=1) >= confidence)
    sureness = np.maximum(prediction, 1 - prediction).reshape(len(prediction), -1)
    return np.asarray(sureness.min(axis=1) >= confidence)
