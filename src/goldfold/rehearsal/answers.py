"""Rehearse all that needs no model: folds, metric, average, post-processing, and the answer's form, with made-up predictions."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Problem, read_solution
from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.imports import refused
from goldfold.inference.averaging import require_averaged
from goldfold.metrics import Array
from goldfold.prediction import Submission
from goldfold.prepare import PreparedSet
from goldfold.prepare.subset import spread
from goldfold.validation.cross_validation import scored

MOST_ROWS, MOST_VALUES = 20_000, 2_000_000
"""Validation rows, and probabilities of them, that are scored."""
RESAMPLES = 10


def rehearse_answers(config: Config, competition: Competition, prepared: PreparedSet, folder: Path) -> None:
    """Score and answer with made-up predictions, into `folder`; raises InputError for what these settings do not allow."""
    problem = prepared.problem
    oof = pd.concat(list(_out_of_fold(config, prepared)), ignore_index=True).sort_values("row", ignore_index=True)
    most = max(1, min(MOST_ROWS, MOST_VALUES // len(problem.outputs)))
    if len(oof) <= most:
        _require_defined(problem, oof)
    else:
        oof = oof.iloc[spread(len(oof), most)].reset_index(drop=True)
    with refused(f"params.yaml, competition.metric: {problem.metric} cannot score these rows", "correct the metric's arguments"):
        require_averaged(problem, oof, problem.predictions(oof), config.predict)
    quick = config.validate_.model_copy(update={"bootstrap": RESAMPLES})
    with refused("params.yaml, validate.postprocess: the steps cannot be fitted", "correct them, or leave them out"):
        steps = scored(problem, oof, quick, prepared.groups(config.split.group)).postprocess.steps
    test = prepared.test
    ids = test[[problem.id, *([problem.answer_id] if problem.answer_id else [])]].reset_index(drop=True)
    predictions = pd.concat([ids, problem.table(_made_up(problem, prepared, len(test)))], axis=1)
    Submission(problem, prepared.sample, predictions, steps).save(folder)
    read_solution(config.competition, problem, prepared.sample, test)


def _out_of_fold(config: Config, prepared: PreparedSet) -> Iterator[pd.DataFrame]:
    """The out-of-fold table (see CVResult) of each fold of split.folds; raises InputError for one without rows."""
    problem = prepared.problem
    for fold in config.split.folds:
        rows = prepared.validation_rows(fold)
        if not len(rows) or not len(prepared.training_rows(fold)):
            there = sorted({int(number) for number in prepared.folds if number >= 0})
            raise InputError(f"fold {fold} has no training or no validation rows", mend=f"choose split.folds among {there}")
        table = prepared.train.iloc[rows][list(problem.columns)].reset_index(drop=True)
        yield pd.concat([table, problem.table(_made_up(problem, prepared, len(rows)))], axis=1).assign(row=rows, fold=fold)


def _made_up(problem: Problem, prepared: PreparedSet, rows: int) -> Array:
    """Predictions of so many rows, in the shape that metrics take: probabilities, or values or masks of the training rows."""
    draws = np.random.default_rng(rows)
    if problem.has_amounts:
        return np.asarray(draws.choice(problem.truth(prepared.train), rows))
    if problem.task == "multiclass":
        weights = draws.uniform(0.1, 1, (rows, len(problem.classes)))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
    return draws.uniform(0.01, 0.99, rows if problem.task == "binary" else (rows, len(problem.outputs)))


def _require_defined(problem: Problem, oof: pd.DataFrame) -> None:
    """Raise InputError where the metric is undefined on the validation rows of a fold."""
    for fold, table in oof.groupby("fold"):
        with refused(f"params.yaml, competition.metric: {problem.metric} cannot score fold {fold}", "correct its arguments"):
            score = problem.score_rows(table.reset_index(drop=True), problem.predictions(table))
        if score != score:
            raise InputError(
                f"{problem.metric} is undefined on the validation rows of fold {fold} (a class may be missing there)",
                mend="use fewer folds, split.strategy: stratified, or another competition.metric",
            )
