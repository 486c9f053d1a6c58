"""Blend results into one: by averages with fitted weights or stacks, scored by nested cross-validation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.blending.stacking import build_model, fit_stack
from goldfold.blending.weights import equal, hill_climb, slsqp
from goldfold.competition import Problem
from goldfold.config import Scale, ValidateConfig
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json
from goldfold.inference.averaging import changes_in_steps, from_scale, require_scale, to_scale
from goldfold.inference.postprocess import fit_postprocess, processed
from goldfold.metrics import Array
from goldfold.prediction.submission import Submission
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import row_losses, scored

Method = Literal["hill", "slsqp", "equal", "stack"]


@dataclass(frozen=True)
class BlendSettings:
    """How members are blended: the method, the scale of the predictions, and a stack's model."""

    method: Method
    on: Scale
    model: str | None = None


@dataclass(frozen=True)
class Fitted:
    """A fitted blend: the function from values (members, n, …) to a prediction, and its weights, if any; `to` is what it fits."""

    predict: Callable[[Array], Array]
    to: str
    weights: Array | None = None


Fit = Callable[[Array, pd.DataFrame], Fitted]
"""Fits a blend to values (members, n, …), on the scale of the settings, and the out-of-fold table of their rows."""


@dataclass(frozen=True)
class Blend:
    """A blend of runs: its nested cross-validation, its submission, and its members.

    `optimistic` is the score on the rows that the blend was fitted to, `fitted_to` the loss or metric that it was fitted by,
    `members` has their scores, `weights` their weights in the test predictions, and `weights_by_fold` in the out-of-fold
    predictions; a stack has none. Files: cv/ (see CVResult), submission/ (see Submission) and blend.json.
    """

    settings: BlendSettings
    cv: CVResult = field(repr=False)
    submission: Submission = field(repr=False)
    members: dict[str, float]
    optimistic: float
    fitted_to: str
    weights: dict[str, float] | None
    weights_by_fold: dict[int, dict[str, float]]

    def save(self, folder: Path) -> None:
        """Write the files, all or none; raises InputError for a submission that would break its contract."""
        with folder_written_whole(folder) as draft:
            self.cv.save(draft / "cv")
            self.submission.save(draft / "submission")
            write_json(draft / "blend.json", self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return how it was made and how it scores, as JSON."""
        return {
            "method": self.settings.method,
            "on": self.settings.on,
            "model": self.settings.model,
            "fitted_to": self.fitted_to,
            "metric": self.cv.scores.metric,
            "nested": self.cv.scores.score,
            "optimistic": self.optimistic,
            "members": self.members,
            "weights": self.weights,
            "weights_by_fold": {str(fold): weights for fold, weights in self.weights_by_fold.items()},
        }


def blend(
    problem: Problem,
    results: Mapping[str, CVResult],
    test: Mapping[str, pd.DataFrame],
    sample: pd.DataFrame,
    settings: BlendSettings,
    config: ValidateConfig,
    groups: pd.Series | None = None,
) -> Blend:
    """Blend members, by name their results and test tables, all with the same rows in the same order.

    A fold's out-of-fold rows are predicted by a blend fitted to the other folds, test rows by one fitted to all. Members are
    blended before post-processing; the blend fits its own. Under a metric that changes in steps, slsqp minimises the mean loss
    of the rows (see `row_losses`) instead. For `groups` see `scored`. Raises InputError for settings that do not suit the
    problem, and for a single fold if there is something to fit.
    """
    table = next(iter(results.values())).oof
    predictions = [problem.predictions(result.oof) for result in results.values()]
    _require_suitable(problem, table, predictions, settings)
    fit = _stacking(problem, settings) if settings.method == "stack" else _averaging(problem, settings)
    values = np.stack([to_scale(problem, prediction, settings.on) for prediction in predictions])
    test_values = np.stack([to_scale(problem, problem.predictions(member), settings.on) for member in test.values()])
    fitted = fit(values, table)
    prediction, by_fold = nested(fit, values, table)
    cv = scored(problem, _with(table, problem.table(prediction)), config, groups)
    answers = _with(next(iter(test.values())), problem.table(fitted.predict(test_values)))
    return Blend(
        settings=settings,
        cv=cv,
        submission=Submission(problem, sample, answers, cv.postprocess.steps),
        members={name: result.scores.score for name, result in results.items()},
        optimistic=_optimistic(problem, table, fitted.predict(values), config),
        fitted_to=fitted.to,
        weights=_named(results, fitted.weights),
        weights_by_fold={fold: named for fold, weights in by_fold.items() if (named := _named(results, weights))},
    )


def nested(fit: Fit, values: Array, table: pd.DataFrame) -> tuple[Array, dict[int, Array | None]]:
    """Predict the rows of each fold by a blend that is fitted to the other folds.

    `values` is (members, n, …), and `table` has n rows. Returns the prediction (n, …) and the weights by fold. A single fold,
    allowed if there is nothing to fit, is predicted by a blend of itself.
    """
    prediction, weights, folds = np.empty(values.shape[1:]), {}, table["fold"].to_numpy()
    for fold in np.unique(folds):
        here = folds == fold
        others = ~here if len(np.unique(folds)) > 1 else here
        fitted = fit(values[:, others], table[others])
        prediction[here] = fitted.predict(values[:, here])
        weights[int(fold)] = fitted.weights
    return prediction, weights


def _averaging(problem: Problem, settings: BlendSettings) -> Fit:
    weigh = {"hill": hill_climb, "slsqp": slsqp, "equal": equal}[settings.method]

    def averaged(weights: Array, values: Array) -> Array:
        return from_scale(problem, np.tensordot(weights, values, axes=1), settings.on)

    def fit(values: Array, table: pd.DataFrame) -> Fitted:
        truth, first = problem.truth(table), averaged(np.eye(len(values))[0], values)
        follows_rows = settings.method == "slsqp" and changes_in_steps(problem, table, first)

        def loss(weights: Array) -> tuple[float, float]:
            prediction = averaged(weights, values)
            score = problem.score_rows(table, prediction) if problem.answer_id else problem.score(truth, prediction, table)
            by_metric = float(np.nan_to_num(-score if problem.scored_by.maximize else score, nan=np.inf))
            by_row = float(row_losses(problem, truth, prediction).mean())
            return (by_row, by_metric) if follows_rows else (by_metric, by_row)

        weights = weigh(loss, len(values))
        return Fitted(partial(averaged, weights), "the rows' loss" if follows_rows else problem.scored_by.name, weights)

    return fit


def _stacking(problem: Problem, settings: BlendSettings) -> Fit:
    model = build_model(problem, settings.model)

    def features(values: Array) -> Array:
        return np.moveaxis(values, 0, 1).reshape(values.shape[1], -1)

    def fit(values: Array, table: pd.DataFrame) -> Fitted:
        predict = fit_stack(problem, model, features(values), problem.truth(table))
        return Fitted(lambda values: predict(features(values)), "the model's own loss")

    return fit


def _optimistic(problem: Problem, table: pd.DataFrame, prediction: Array, config: ValidateConfig) -> float:
    """Return the score on the rows that blend and post-processing were fitted to."""
    table, prediction = problem.per_answer(table, prediction)
    steps = fit_postprocess(problem, config.postprocess, table, prediction).steps
    return problem.score(problem.truth(table), processed(problem, steps, prediction), table)


def _with(table: pd.DataFrame, outputs: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its predictions replaced."""
    return pd.concat([table.drop(columns=list(outputs.columns)), outputs], axis=1)


def _require_suitable(problem: Problem, table: pd.DataFrame, predictions: Sequence[Array], settings: BlendSettings) -> None:
    for prediction in predictions:
        require_scale(problem, table, prediction, settings.on, "--on ")
    if settings.method != "equal" and table["fold"].nunique() < 2:
        raise InputError(
            "the members were validated on one fold, so there is no other fold to fit the blend to",
            mend="train two or more folds, or give all members the same weight: --method equal",
        )
    if settings.method == "slsqp" and settings.on == "ranks" and changes_in_steps(problem, table, predictions[0]):
        raise InputError(f"{problem.metric} of ranks changes in steps, and slsqp needs gradients", mend="give --method hill")


def _named(names: Mapping[str, Any], weights: Array | None) -> dict[str, float] | None:
    return None if weights is None else dict(zip(names, weights.tolist(), strict=True))
