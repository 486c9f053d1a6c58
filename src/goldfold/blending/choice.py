"""The choice among methods, which is nested as well: a fold's rows are predicted by the method that is best on the others."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from goldfold.blending.fits import Fitted, fit_of
from goldfold.blending.level_one import LevelOne
from goldfold.blending.nesting import Nested, nested
from goldfold.blending.settings import BlendSettings, candidates, require_suitable
from goldfold.config import ValidateConfig
from goldfold.metrics import Array
from goldfold.validation.comparison import paired_differences


@dataclass(frozen=True)
class Choice:
    """The settings that won, the nested score of each method, the runner-up, and how far it is behind, with its interval."""

    settings: BlendSettings
    scores: dict[str, float]
    second: str
    difference: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def choose(level: LevelOne, config: ValidateConfig, groups: pd.Series | None, negative: bool) -> tuple[Choice, Nested]:
    """Blend by each method of `candidates`, and choose the one that scores best when nested.

    The prediction of a fold's rows is that of the method that scores best on the rows of the other folds, so that the choice
    flatters no score. Raises InputError for members that were validated on one fold.
    """
    problem, tried = level.problem, candidates(level, negative)
    made = dict[str, Nested]()
    for settings in tried:
        require_suitable(level, settings)
        made[settings.method] = nested(fit_of(problem, settings), level.on(settings.on)[0], level.table)
    folds = level.table["fold"].to_numpy()
    everywhere = np.ones(len(folds), dtype=bool)
    prediction, fits = np.empty_like(level.values[0]), dict[int, Fitted]()
    for fold in np.unique(folds):
        best = _ranked(level, made, folds != fold)[0]
        prediction[folds == fold] = made[best].prediction[folds == fold]
        fits[int(fold)] = made[best].fitted[int(fold)]
    scores = {name: _score(level, each.prediction, everywhere) for name, each in made.items()}
    first, second = _ranked(level, made, everywhere)[:2]
    differences = _differences(level, made[second].prediction, made[first].prediction, config, groups)
    tail = (1 - config.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail]) if len(differences) else (np.nan, np.nan)
    settings = next(settings for settings in tried if settings.method == first)
    return Choice(settings, scores, second, scores[first] - scores[second], float(low), float(high)), Nested(prediction, fits)


def _ranked(level: LevelOne, made: Mapping[str, Nested], rows: Array) -> list[str]:
    """The methods by their score on some rows, best first; of equals the plainer one."""
    sign = -1 if level.problem.scored_by.maximize else 1
    scores = {name: sign * _score(level, each.prediction, rows) for name, each in made.items()}
    return sorted(scores, key=lambda name: np.nan_to_num(scores[name], nan=np.inf))


def _score(level: LevelOne, prediction: Array, rows: Array) -> float:
    return level.problem.score_rows(level.table[rows], prediction[rows])


def _differences(level: LevelOne, first: Array, second: Array, config: ValidateConfig, groups: pd.Series | None) -> Array:
    problem = level.problem
    table, one = problem.per_answer(level.table, first)
    grouped = None if groups is None else groups.loc[list(table[problem.id])].to_numpy()
    return paired_differences(problem, table, (one, problem.per_answer(level.table, second)[1]), config.bootstrap, grouped)
