"""Several results → one: averages with fitted weights, and stacks, judged by nested cross-validation."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json
from goldfold.metrics import Array
from goldfold.prediction.averaging import Scale, changes_in_steps, from_scale, require_scale, to_scale
from goldfold.prediction.stacking import build_model, fit_stack
from goldfold.prediction.submission import Submission
from goldfold.prediction.weights import equal, hill_climb, slsqp
from goldfold.validation import CVResult
from goldfold.validation.validate import row_losses, scored

Method = Literal["hill", "slsqp", "equal", "stack"]


@dataclass(frozen=True)
class BlendSettings:
    """How members are blended: by which method, on which scale, and for a stack by which model."""

    method: Method
    on: Scale
    model: str | None = None


@dataclass(frozen=True)
class Fitted:
    """A blend that was fitted: the function from values (members, n, …) to a prediction, and the weights, if it has any.

    `to` says what was made best.
    """

    predict: Callable[[Array], Array]
    to: str
    weights: Array | None = None


Fit = Callable[[Array, Array], Fitted]
"""Fits a blend to values (members, n, …), each on the scale of the settings, and the truth of these rows."""


@dataclass(frozen=True)
class Blend:
    """A blend of runs: its nested cross-validation, its submission, and what it was made of.

    `optimistic` is the score on the very rows that the blend was fitted to, `fitted_to` says what it was to make best there,
    `members` has the score of each, and `weights` those of the test predictions and, by fold, of its out-of-fold predictions; a
    stack has none. Files: cv/ (see CVResult), submission/ (see Submission) and blend.json.
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
        """Write all of it, or nothing; raises InputError where the submission would break its contract."""
        with folder_written_whole(folder) as draft:
            self.cv.save(draft / "cv")
            self.submission.save(draft / "submission")
            write_json(draft / "blend.json", self.to_json())

    def to_json(self) -> dict[str, Any]:
        """How it was made and how it scores, as JSON holds it."""
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
    oof: Mapping[str, pd.DataFrame],
    test: Mapping[str, pd.DataFrame],
    sample: pd.DataFrame,
    settings: BlendSettings,
    config: ValidateConfig,
) -> Blend:
    """Blend members, given by name as out-of-fold and test tables, each with the same rows in the same order.

    Out-of-fold rows of a fold are predicted by a blend fitted to the other folds' rows, test rows by one fitted to all. Under a
    metric that changes in steps, slsqp makes the mean loss of the rows (see `row_losses`) least instead. Raises InputError for
    settings that do not suit the problem, and for a single fold where there is something to fit.
    """
    table = next(iter(oof.values()))
    truth, folds = problem.truth(table), table["fold"].to_numpy()
    predictions = [problem.predictions(member) for member in oof.values()]
    _require_suitable(problem, truth, predictions, folds, settings)
    fit = _stacking(problem, settings) if settings.method == "stack" else _averaging(problem, settings)
    values = np.stack([to_scale(problem, prediction, settings.on) for prediction in predictions])
    test_values = np.stack([to_scale(problem, problem.predictions(member), settings.on) for member in test.values()])
    fitted = fit(values, truth)
    prediction, by_fold = nested(fit, values, truth, folds)
    known, ids = table[["row", problem.id, "fold", *problem.targets]], next(iter(test.values()))[[problem.id]]
    return Blend(
        settings=settings,
        cv=scored(problem, pd.concat([known, problem.table(prediction)], axis=1), config),
        submission=Submission(problem, sample, pd.concat([ids, problem.table(fitted.predict(test_values))], axis=1)),
        members={name: problem.score(truth, prediction) for name, prediction in zip(oof, predictions, strict=True)},
        optimistic=problem.score(truth, fitted.predict(values)),
        fitted_to=fitted.to,
        weights=_named(oof, fitted.weights),
        weights_by_fold={fold: named for fold, weights in by_fold.items() if (named := _named(oof, weights))},
    )


def nested(fit: Fit, values: Array, truth: Array, folds: Array) -> tuple[Array, dict[int, Array | None]]:
    """Predict the rows of each fold by a blend that was fitted to the rows of the others.

    `values` is (members, n, …), `truth` and `folds` (n, …) and (n,). Returns the prediction (n, …) and the weights by fold.
    With a single fold, which only a blend without anything to fit allows, it is fitted to that.
    """
    prediction, weights = np.empty(values.shape[1:]), {}
    for fold in np.unique(folds):
        here = folds == fold
        others = ~here if len(np.unique(folds)) > 1 else here
        fitted = fit(values[:, others], truth[others])
        prediction[here] = fitted.predict(values[:, here])
        weights[int(fold)] = fitted.weights
    return prediction, weights


def _averaging(problem: Problem, settings: BlendSettings) -> Fit:
    weigh = {"hill": hill_climb, "slsqp": slsqp, "equal": equal}[settings.method]

    def averaged(weights: Array, values: Array) -> Array:
        return from_scale(problem, np.tensordot(weights, values, axes=1), settings.on)

    def fit(values: Array, truth: Array) -> Fitted:
        follows_rows = settings.method == "slsqp" and changes_in_steps(problem, truth, averaged(np.eye(len(values))[0], values))

        def loss(weights: Array) -> tuple[float, float]:
            prediction = averaged(weights, values)
            score = problem.score(truth, prediction)
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

    def fit(values: Array, truth: Array) -> Fitted:
        predict = fit_stack(problem, model, features(values), truth)
        return Fitted(lambda values: predict(features(values)), "the model's own loss")

    return fit


def _require_suitable(
    problem: Problem, truth: Array, predictions: Sequence[Array], folds: Array, settings: BlendSettings
) -> None:
    for prediction in predictions:
        require_scale(problem, truth, prediction, settings.on)
    if settings.method != "equal" and len(np.unique(folds)) < 2:
        raise InputError(
            "the members were validated on one fold alone, which leaves no other to fit the blend to",
            mend="train two folds or more, or give each member the same weight: --method equal",
        )
    if settings.method == "slsqp" and settings.on == "ranks" and changes_in_steps(problem, truth, predictions[0]):
        raise InputError(f"{problem.metric} of ranks changes in steps, and slsqp follows slopes", mend="give --method hill")


def _named(names: Mapping[str, Any], weights: Array | None) -> dict[str, float] | None:
    return None if weights is None else dict(zip(names, weights.tolist(), strict=True))
