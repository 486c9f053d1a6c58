"""Cross-validate: FoldResults → CVResult."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import PredictConfig, ValidateConfig
from goldfold.errors import InputError
from goldfold.inference.averaging import average, require_averaged
from goldfold.inference.ensemble import PLAIN
from goldfold.inference.fold import predict_fold
from goldfold.inference.postprocess import fit_postprocess
from goldfold.inference.sources import PreparedRows
from goldfold.metrics import Array
from goldfold.metrics.masks import row_losses as mask_losses
from goldfold.metrics.probability import row_log_loss
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult
from goldfold.training.device import find_compute_again
from goldfold.validation.cv_result import CVResult, Scores
from goldfold.validation.uncertainty import bootstrap_interval

CPU_TOLERANCE = 1e-6
# A GPU may choose other kernels in each process, and a row near the threshold may fall on its other side.
GPU_TOLERANCE = 2e-2


def validate(
    prepared: PreparedSet,
    folds: Sequence[FoldResult],
    config: ValidateConfig,
    predict: PredictConfig = PLAIN,
    group: str | None = None,
    scratch: Path | None = None,
) -> CVResult:
    """Predict each fold's validation rows, join the out-of-fold predictions, fit the post-processing and score them.

    Rows are predicted as the test set will be, by the average over a fold's seeds, checkpoints and test-time augmentation.
    `group` is the column whose equal values share a fold: the score's interval comes from resamples of whole groups. Features of
    frozen networks are those that are kept in `scratch`.

    Raises InputError for a checkpoint that does not reproduce its score or was trained on another prepared set, and for a
    predict.average or predict.clip that does not suit the problem.
    """
    members = []
    for result in folds:
        rows = PreparedRows(prepared, "train", prepared.validation_rows(result.fold), scratch)
        members.append(predict_fold(result, rows, predict))
        _require_score(prepared, result, members[-1][0], predict)
    groups = prepared.groups(group)
    judged = scored(prepared.problem, _out_of_fold(prepared, folds, members, predict), config, groups)
    if not predict.tta and not any(result.further for result in folds):
        return judged
    best = _out_of_fold(prepared, folds, [[predictions[0]] for predictions in members], predict)
    plain = scored(prepared.problem, best, config, groups).scores.score
    return replace(judged, scores=replace(judged.scores, plain=plain))


def _out_of_fold(
    prepared: PreparedSet, folds: Sequence[FoldResult], members: Sequence[Sequence[Array]], predict: PredictConfig
) -> pd.DataFrame:
    """Return the out-of-fold table (see CVResult), with the average of the predictions of each fold's members."""
    problem, tables = prepared.problem, []
    for fold in dict.fromkeys(result.fold for result in folds):
        rows = prepared.validation_rows(fold)
        table = prepared.train.iloc[rows].reset_index(drop=True)
        pairs = zip(folds, members, strict=True)
        predictions = [prediction for result, own in pairs if result.fold == fold for prediction in own]
        require_averaged(problem, table, predictions[0], predict)
        position = pd.DataFrame({"row": rows, "fold": fold})
        averaged = problem.table(average(problem, predictions, predict.average, predict.clip))
        tables.append(pd.concat([position, table[list(problem.columns)], averaged], axis=1))
    return pd.concat(tables, ignore_index=True).sort_values("row", ignore_index=True)


def scored(problem: Problem, oof: pd.DataFrame, config: ValidateConfig, groups: pd.Series | None = None) -> CVResult:
    """Fit the post-processing to an out-of-fold table (see CVResult), score all of it and each fold, and find its worst errors.

    `groups`, by id, is the group of each row, if rows of a group are not independent.
    """
    prediction = problem.predictions(oof)
    # A mask is no cell of a table for people.
    shown = oof.drop(columns=[*problem.targets, *problem.outputs]) if problem.has_masks else oof
    worst = shown.assign(loss=row_losses(problem, problem.truth(oof), prediction)).nlargest(config.worst, "loss")
    table, raw = problem.per_answer(oof, prediction)
    postprocess = fit_postprocess(problem, config.postprocess, table, raw)
    grouped = groups_in(problem, table, groups)
    scores = _scores(problem, table, raw, postprocess.judged(problem, table, raw), config, grouped)
    return CVResult(problem, scores, oof, worst, postprocess)


def judged(problem: Problem, oof: pd.DataFrame, prediction: Array, config: ValidateConfig) -> tuple[pd.DataFrame, Array]:
    """Return the answered rows of an out-of-fold table, and their prediction, post-processed as fitted to the other folds."""
    table, raw = problem.per_answer(oof, prediction)
    return table, fit_postprocess(problem, config.postprocess, table, raw).judged(problem, table, raw)


def groups_in(problem: Problem, table: pd.DataFrame, groups: pd.Series | None) -> Array | None:
    """Return the group of each row of a table, (n,), from those of all rows by id; None without groups."""
    return None if groups is None else groups.loc[list(table[problem.id])].to_numpy()


def _scores(
    problem: Problem, table: pd.DataFrame, raw: Array, judged: Array, config: ValidateConfig, groups: Array | None
) -> Scores:
    truth, folds = problem.truth(table), table["fold"].to_numpy()
    unprocessed = judged is raw
    (_, raw), (truth, judged) = problem.measured(truth, raw), problem.measured(truth, judged)
    low, high = bootstrap_interval(problem, truth, judged, config.bootstrap, config.confidence, table, groups)
    return Scores(
        metric=problem.scored_by.name,
        score=problem.score(truth, judged, table),
        low=low,
        high=high,
        confidence=config.confidence,
        folds={int(f): problem.score(truth[folds == f], judged[folds == f], table[folds == f]) for f in np.unique(folds)},
        rows=len(table),
        raw=None if unprocessed else problem.score(truth, raw, table),
        groups=None if groups is None else int(pd.Series(groups).nunique(dropna=False)),
    )


def _require_score(prepared: PreparedSet, result: FoldResult, prediction: Array, predict: PredictConfig) -> None:
    """Raise InputError unless the prediction of a fold's rows has the score in the checkpoint."""
    table, train = prepared.train.iloc[prepared.validation_rows(result.fold)], result.config.train
    score = prepared.problem.score_rows(table, prediction)
    batched = predict.batch_size in (None, train.micro_batch_size or train.batch_size)
    exact = batched and find_compute_again(result.precision).device.type == result.device == "cpu"
    tolerance = (CPU_TOLERANCE if exact else GPU_TOLERANCE) * max(1.0, abs(result.score))
    if not abs(score - result.score) <= tolerance:
        raise InputError(
            f"the checkpoint of fold {result.fold} scored {result.score:.6f} in training, but scores {score:.6f} now",
            mend="train it again: rm -r .goldfold/states && dvc repro -f -s train",
        )


def row_losses(problem: Problem, truth: Array, prediction: Array) -> Array:
    """Return the loss of each row, (n,): the cross-entropy, the absolute error (of log1p under a log metric), or 1 - Dice."""
    if problem.has_masks:
        return mask_losses(*problem.measured(truth, prediction))
    if problem.task != "regression":
        return row_log_loss(truth, prediction)
    if problem.scored_by.logs:
        truth, prediction = np.log1p(truth), np.log1p(prediction)
    return np.asarray(np.abs(truth - prediction).reshape(len(truth), -1).mean(axis=1))
