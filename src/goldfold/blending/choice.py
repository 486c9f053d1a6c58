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
from goldfold.validation.cross_validation import groups_in, judged


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
    scaled = {scale: level.on(scale) for scale in dict.fromkeys(settings.on for settings in tried)}
    made = dict[str, Nested]()
    for settings in tried:
        require_suitable(level, settings)
        made[settings.method] = nested(fit_of(problem, settings), scaled[settings.on].values, level.table)
    folds = level.table["fold"].to_numpy()
    prediction, fits = np.empty_like(level.values[0]), dict[int, Fitted]()
    for fold in np.unique(folds):
        best = next(iter(_ranked(level, made, folds != fold, config)))
        prediction[folds == fold] = made[best].prediction[folds == fold]
        fits[int(fold)] = made[best].fitted[int(fold)]
    scores = _ranked(level, made, np.ones(len(folds), dtype=bool), config)
    first, second, *_ = scores
    differences = _differences(level, made[second].prediction, made[first].prediction, config, groups)
    tail = (1 - config.confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail]) if len(differences) else (np.nan, np.nan)
    settings = next(settings for settings in tried if settings.method == first)
    return Choice(settings, scores, second, scores[first] - scores[second], float(low), float(high)), Nested(prediction, fits)


def _ranked(level: LevelOne, made: Mapping[str, Nested], rows: Array, config: ValidateConfig) -> dict[str, float]:
    """The score of each method on some rows, post-processed as the blend's own is, best first; of equals the plainer one."""
    problem, scores = level.problem, dict[str, float]()
    for name, each in made.items():
        table, answers = judged(problem, level.table[rows], each.prediction[rows], config)
        scores[name] = problem.score(problem.truth(table), answers, table)
    sign = -1 if problem.scored_by.maximize else 1
    return dict(sorted(scores.items(), key=lambda item: np.nan_to_num(sign * item[1], nan=np.inf)))


def _differences(level: LevelOne, first: Array, second: Array, config: ValidateConfig, groups: pd.Series | None) -> Array:
    problem = level.problem
    (table, one), (_, other) = (judged(problem, level.table, prediction, config) for prediction in (first, second))
    return paired_differences(problem, table, (one, other), config.bootstrap, groups_in(problem, table, groups))
