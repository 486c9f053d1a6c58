"""What is averaged: predictions as they are, their logits, or their ranks."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit, softmax

from goldfold.competition import Problem
from goldfold.config import PredictConfig, Scale
from goldfold.errors import InputError
from goldfold.masks import averaged
from goldfold.metrics import Array


def average(
    problem: Problem, predictions: Sequence[Array], scale: Scale = "predictions", clip: tuple[float, float] | None = None
) -> Array:
    """The mean of members' predictions, each (n, …), within `clip`; of logits, the geometric mean of the odds."""
    if problem.has_masks:
        means = [averaged(cells) for cells in zip(*(prediction.ravel() for prediction in predictions), strict=True)]
        return np.array([*means, None], dtype=object)[:-1].reshape(predictions[0].shape)
    mean = from_scale(problem, np.mean([to_scale(problem, prediction, scale) for prediction in predictions], axis=0), scale)
    return np.clip(mean, *clip) if clip else mean


def require_averaged(problem: Problem, table: pd.DataFrame, prediction: Array, config: PredictConfig) -> None:
    """Raise InputError for a predict.average or predict.clip that does not suit the problem."""
    if problem.has_masks and config.average != "predictions":
        raise InputError(
            f"params.yaml, predict.average: {config.average} of masks are not averaged", mend="set predict.average: predictions"
        )
    require_scale(problem, table, prediction, config.average, "predict.average: ")
    if config.clip and problem.task != "regression":
        raise InputError(
            f"params.yaml, predict.clip: bounds are for the values of a regression, and this is a {problem.task} task",
            mend="leave it out; validate.postprocess: [{name: clip}] keeps probabilities from 0 and 1",
        )


def to_scale(problem: Problem, prediction: Array, scale: Scale) -> Array:
    """Probabilities or values (see goldfold.metrics) as logits, or as ranks between 0 and 1, of the same shape.

    A multiclass logit is the logarithm of its probability. Ranks are those of the rows given, per column, with ties shared.
    """
    if scale == "ranks":
        ranks = pd.DataFrame(prediction.reshape(len(prediction), -1)).rank().to_numpy().reshape(prediction.shape)
        return np.asarray((ranks - 0.5) / len(prediction))
    if scale == "predictions":
        return prediction
    safe = np.clip(prediction, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(safe) if problem.task == "multiclass" else np.log(safe) - np.log1p(-safe))


def from_scale(problem: Problem, values: Array, scale: Scale) -> Array:
    """Turn averages of `to_scale` back into predictions; an average of ranks stays one, and is good for an order alone."""
    if scale != "logits":
        return values
    return np.asarray(softmax(values, axis=1) if problem.task == "multiclass" else expit(values))


def knows_only_order(problem: Problem, table: pd.DataFrame, prediction: Array) -> bool:
    """Whether the metric sees nothing but the order of each column, as AUC: ranks then score as the predictions do."""
    if problem.scored_by.needs == "label":
        return False
    ranked = problem.score_rows(table, to_scale(problem, prediction, "ranks"))
    return bool(np.isclose(ranked, problem.score_rows(table, prediction), rtol=1e-9, atol=1e-9))


def changes_in_steps(problem: Problem, table: pd.DataFrame, prediction: Array) -> bool:
    """Whether small changes of a prediction leave the metric as it is: it looks at labels, or at an order alone."""
    return problem.scored_by.needs in ("label", "ranking") or knows_only_order(problem, table, prediction)


def require_scale(problem: Problem, table: pd.DataFrame, prediction: Array, scale: Scale, setting: str) -> None:
    """Raise InputError for logits of a regression, and for ranks under a metric that sees more than the order.

    `setting` is where the scale is chosen, as the message is to show it.
    """
    if scale == "logits" and problem.task == "regression":
        raise InputError(
            "a regression's values have no logits", mend=f"average the predictions as they are: {setting}predictions"
        )
    # Ranks of several classes would not sum to 1, as the probabilities of a submission must.
    if scale == "ranks" and (problem.task == "multiclass" or not knows_only_order(problem, table, prediction)):
        raise InputError(
            f"{problem.metric} cannot score the ranks of {problem.task} predictions",
            mend=f"{setting}predictions or {setting}logits",
        )
