"""Blend results into one: by averages with fitted weights, regressions or stacks, scored by nested cross-validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.blending.choice import Choice, choose
from goldfold.blending.fits import Fitted, fit_of
from goldfold.blending.level_one import LevelOne
from goldfold.blending.linear import Linear
from goldfold.blending.nesting import nested
from goldfold.blending.settings import BlendSettings, require_suitable
from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.files import folder_written_whole, read_json, write_json, written_by_this_version
from goldfold.inference.postprocess import fit_postprocess, processed
from goldfold.metrics import Array
from goldfold.prediction.submission import Submission
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import scored

CARD = "blend.json"


@dataclass(frozen=True)
class Blend:
    """A blend of runs: its nested cross-validation, its submission, and its members.

    `optimistic` is the score on the rows that the blend was fitted to, `fitted_to` the loss or metric that it was fitted by,
    `members` has their scores, and `runs` the ids or names of their runs; `linear` is what blends the test predictions, and
    `weights_by_fold` the weights in the out-of-fold predictions: a stack has neither. `choice` says what `auto` chose from.
    Files: cv/ (see CVResult), submission/ (see Submission) and blend.json.
    """

    settings: BlendSettings
    cv: CVResult = field(repr=False)
    submission: Submission = field(repr=False)
    members: dict[str, float]
    optimistic: float
    fitted_to: str
    linear: Linear | None
    weights_by_fold: dict[int, dict[str, float]]
    choice: Choice | None = None
    runs: Mapping[str, str] = field(default_factory=dict)

    @property
    def weights(self) -> dict[str, float] | None:
        """The members' weights in the test predictions; None for a stack."""
        return None if self.linear is None else dict(zip(self.members, self.linear.weights.tolist(), strict=True))

    def save(self, folder: Path) -> None:
        """Write the files, all or none; raises InputError for a submission that would break its contract."""
        with folder_written_whole(folder) as draft:
            self.cv.save(draft / "cv")
            self.submission.save(draft / "submission")
            write_json(draft / CARD, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Return how it was made and how it scores, as JSON."""
        return {
            "method": self.settings.method,
            "on": self.settings.on,
            "model": self.settings.model,
            "negative": self.settings.negative,
            "fitted_to": self.fitted_to,
            "metric": self.cv.scores.metric,
            "nested": self.cv.scores.score,
            "optimistic": self.optimistic,
            "members": self.members,
            "runs": dict(self.runs),
            "weights": self.weights,
            "weights_by_fold": {str(fold): weights for fold, weights in self.weights_by_fold.items()},
            "linear": None if self.linear is None else self.linear.to_json(tuple(self.members)),
            "choice": None if self.choice is None else self.choice.to_json(),
        }


def read_card(path: Path) -> tuple[BlendSettings, dict[str, str]]:
    """Read how a blend was made from its blend.json, and the runs of its members by their names."""
    with written_by_this_version(f"the blend in {path}", "blend its runs again"):
        card: dict[str, Any] = read_json(path)
        return BlendSettings(card["method"], card["on"], card["model"], card["negative"]), card["runs"]


def blend(
    level: LevelOne,
    sample: pd.DataFrame,
    settings: BlendSettings | None,
    config: ValidateConfig,
    groups: pd.Series | None = None,
    negative: bool = False,
) -> Blend:
    """Blend members.

    A fold's out-of-fold rows are predicted by a blend fitted to the other folds, test rows by one fitted to all. Members are
    blended before post-processing; the blend fits its own. Under a metric that changes in steps, slsqp minimises the mean loss
    of the rows (see `row_losses`) instead. Without settings the method that scores best is chosen (see `choose`), with weights
    below zero if `negative`. For `groups` see `scored`. Raises InputError for settings that do not suit the problem, and for a
    single fold if there is something to fit.
    """
    problem, choice, made = level.problem, None, None
    if settings is None:
        choice, made = choose(level, config, groups, negative)
        settings = choice.settings
    else:
        require_suitable(level, settings)
    scaled, fit = level.on(settings.on), fit_of(problem, settings)
    made = made or nested(fit, scaled.values, level.table)
    fitted = fit(scaled.values, level.table)
    cv = scored(problem, _with(level.table, problem, made.prediction), config, groups)
    answers = _with(level.test_table, problem, fitted.predict(scaled.test_values))
    return Blend(
        settings=settings,
        cv=cv,
        submission=Submission(problem, sample, answers, cv.postprocess.steps),
        members=level.scores,
        optimistic=_optimistic(level, fitted.predict(scaled.values), config),
        fitted_to=fitted.to,
        linear=fitted.linear,
        weights_by_fold=_weights_by_fold(level, made.fitted),
        choice=choice,
    )


def _weights_by_fold(level: LevelOne, fitted: Mapping[int, Fitted]) -> dict[int, dict[str, float]]:
    return {
        fold: dict(zip(level.names, each.linear.weights.tolist(), strict=True)) for fold, each in fitted.items() if each.linear
    }


def _optimistic(level: LevelOne, prediction: Array, config: ValidateConfig) -> float:
    """Return the score on the rows that blend and post-processing were fitted to."""
    problem = level.problem
    table, prediction = problem.per_answer(level.table, prediction)
    steps = fit_postprocess(problem, config.postprocess, table, prediction).steps
    return problem.score(problem.truth(table), processed(problem, steps, prediction), table)


def _with(table: pd.DataFrame, problem: Problem, prediction: Array) -> pd.DataFrame:
    return pd.concat([table, problem.table(prediction)], axis=1)
