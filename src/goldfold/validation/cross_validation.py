"""FoldResults → CVResult."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import PredictConfig, Scale, ValidateConfig
from goldfold.errors import InputError
from goldfold.inference.averaging import average, require_scale
from goldfold.inference.ensemble import PLAIN
from goldfold.inference.fold import predict_fold
from goldfold.inference.postprocess import fit_postprocess
from goldfold.inference.sources import PreparedRows
from goldfold.metrics import Array
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
) -> CVResult:
    """Judge each fold's checkpoints on the fold's own rows, join the out-of-fold predictions and fit the post-processing.

    The rows are predicted as the test set will be: by the average over a fold's seeds, checkpoints and test-time augmentation.
    `group` is the column whose equal values share a fold: the score's interval is that of resamples of whole groups.

    Raises InputError where a checkpoint does not reproduce the score it bears, or was trained on another prepared set, and for
    a predict.average that does not suit the problem.
    """
    members = []
    for result in folds:
        members.append(predict_fold(result, PreparedRows(prepared, "train", prepared.validation_rows(result.fold)), predict))
        _require_score(prepared, result, members[-1][0], predict)
    groups = prepared.train.set_index(prepared.problem.id)[group] if group else None
    judged = scored(prepared.problem, _out_of_fold(prepared, folds, members, predict.average), config, groups)
    if not predict.tta and not any(result.further for result in folds):
        return judged
    best = _out_of_fold(prepared, folds, [[predictions[0]] for predictions in members], predict.average)
    plain = scored(prepared.problem, best, config, groups).scores.score
    return replace(judged, scores=replace(judged.scores, plain=plain))


def _out_of_fold(
    prepared: PreparedSet, folds: Sequence[FoldResult], members: Sequence[Sequence[Array]], scale: Scale
) -> pd.DataFrame:
    """The out-of-fold table (see CVResult): each fold's rows, by the average of what its results' members predict of them."""
    problem, tables = prepared.problem, []
    for fold in dict.fromkeys(result.fold for result in folds):
        rows = prepared.validation_rows(fold)
        table = prepared.train.iloc[rows].reset_index(drop=True)
        mine = [predictions for result, predictions in zip(folds, members, strict=True) if result.fold == fold]
        predictions = [prediction for predictions in mine for prediction in predictions]
        require_scale(problem, table, predictions[0], scale, "predict.average: ")
        position = pd.DataFrame({"row": rows, "fold": fold})
        # A competition may have columns of these names.
        given_columns = table[list(problem.columns)].rename(columns={name: f"given_{name}" for name in position})
        averaged = problem.table(average(problem, np.stack(predictions), scale))
        tables.append(pd.concat([position, given_columns, averaged], axis=1))
    return pd.concat(tables, ignore_index=True).sort_values("row", ignore_index=True)


def scored(problem: Problem, oof: pd.DataFrame, config: ValidateConfig, groups: pd.Series | None = None) -> CVResult:
    """Fit the post-processing to an out-of-fold table (see CVResult), score it, whole and per fold, and find its worst errors.

    `groups` gives the group of each id, its index, where rows of a group are not independent.
    """
    prediction = problem.predictions(oof)
    worst = oof.assign(loss=row_losses(problem, problem.truth(oof), prediction)).nlargest(config.worst, "loss")
    table, raw = problem.per_answer(oof, prediction)
    postprocess = fit_postprocess(problem, config.postprocess, table, raw)
    grouped = None if groups is None else groups.loc[list(table[problem.id])].to_numpy()
    scores = _scores(problem, table, raw, postprocess.judged(problem, table, raw), config, grouped)
    return CVResult(problem, scores, oof, worst, postprocess)


def _scores(
    problem: Problem, table: pd.DataFrame, raw: Array, judged: Array, config: ValidateConfig, groups: Array | None
) -> Scores:
    truth, folds = problem.truth(table), table["fold"].to_numpy()
    low, high = bootstrap_interval(problem, truth, judged, config.bootstrap, config.confidence, table, groups)
    return Scores(
        metric=problem.scored_by.name,
        score=problem.score(truth, judged, table),
        low=low,
        high=high,
        confidence=config.confidence,
        folds={int(f): problem.score(truth[folds == f], judged[folds == f], table[folds == f]) for f in np.unique(folds)},
        rows=len(table),
        raw=None if judged is raw else problem.score(truth, raw, table),
        groups=None if groups is None else int(pd.Series(groups).nunique(dropna=False)),
    )


def _require_score(prepared: PreparedSet, result: FoldResult, prediction: Array, predict: PredictConfig) -> None:
    """Raise InputError unless a checkpoint's prediction of its fold's rows has the score that the checkpoint bears."""
    table, train = prepared.train.iloc[prepared.validation_rows(result.fold)], result.config.train
    score = prepared.problem.score_rows(table, prediction)
    batched = predict.batch_size in (None, train.micro_batch_size or train.batch_size)
    exact = batched and find_compute_again(result.precision).device.type == result.device == "cpu"
    tolerance = (CPU_TOLERANCE if exact else GPU_TOLERANCE) * max(1.0, abs(result.score))
    if not abs(score - result.score) <= tolerance:
        raise InputError(
            f"the checkpoint of fold {result.fold} bears the score {result.score:.6f}, but scores {score:.6f} now",
            mend=f"train it again: dvc repro -f -s train@{result.fold}-{result.seed}",
        )


def row_losses(problem: Problem, truth: Array, prediction: Array) -> Array:
    """How wrong each row is, (n,): the cross-entropy, or the absolute error (of log1p under a log metric)."""
    if problem.task != "regression":
        return row_log_loss(truth, prediction)
    if problem.scored_by.logs:
        truth, prediction = np.log1p(truth), np.log1p(prediction)
    return np.asarray(np.abs(truth - prediction).reshape(len(truth), -1).mean(axis=1))
