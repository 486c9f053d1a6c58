"""What a member is worth: the nested score of the blend with it and without it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from goldfold.blending.fits import fit_of
from goldfold.blending.level_one import LevelOne
from goldfold.blending.nesting import nested
from goldfold.blending.settings import BlendSettings
from goldfold.config import ValidateConfig
from goldfold.metrics import Array
from goldfold.validation.comparison import resampled_scores
from goldfold.validation.cross_validation import groups_in, judged

FEWEST = 30
MOST_VALUES = 3e9
"""Values that are drawn for all members' intervals together, at most: beyond, resamples are fewer, but FEWEST at least."""


@dataclass(frozen=True)
class Worth:
    """A member of a blend: its score alone, its weight, and what the blend's nested score gains by it.

    `gain` is positive where the blend is better with the member, whichever way the metric goes; `low` and `high` bound it.
    `spread` is the standard deviation of its weight over the folds, `correlation` that of its predictions with the mean of the
    others'. A stack has no weights.
    """

    name: str
    score: float
    gain: float
    low: float
    high: float
    correlation: float
    weight: float | None
    spread: float | None

    @property
    def is_more_than_noise(self) -> bool:
        """Whether the interval of the gain leaves 0 out."""
        return self.low > 0 or self.high < 0


def worths(level: LevelOne, settings: BlendSettings, config: ValidateConfig, groups: pd.Series | None = None) -> Iterator[Worth]:
    """Yield what each member is worth to a blend with these settings, in the members' order, as it is worked out.

    The blend is fitted again without it, as it was with it: nested, post-processing too. The interval is normal around the
    paired difference, with the deviation that it has over resamples of the answered rows, or of whole `groups`, by id.
    """
    problem, fit, scaled = level.problem, fit_of(level.problem, settings), level.on(settings.on)
    whole = nested(fit, scaled.values, level.table)
    linear = [fitted.linear for fitted in whole.fitted.values() if fitted.linear is not None]
    weights = np.array([one.weights for one in linear]) if linear else None
    final = fit(scaled.values, level.table).linear
    number = int(np.clip(MOST_VALUES / level.values.size, FEWEST, max(config.bootstrap, FEWEST)))
    sign = 1 if problem.scored_by.maximize else -1
    score, drawn = _judged(level, whole.prediction, config, number, groups)
    width = float(-ndtri((1 - config.confidence) / 2))
    for position, name in enumerate(level.names):
        rest = nested(fit, scaled.without(name).values, level.table).prediction
        without, drawn_without = _judged(level, rest, config, number, groups)
        gain, spread = sign * (score - without), width * float(np.nanstd(drawn - drawn_without))
        yield Worth(
            name=name,
            score=level.scores[name],
            gain=gain,
            low=gain - spread,
            high=gain + spread,
            correlation=_correlation(level.values[position], np.delete(level.values, position, axis=0).mean(axis=0)),
            weight=None if final is None else float(final.weights[position]),
            spread=None if weights is None else float(weights[:, position].std()),
        )


def _judged(
    level: LevelOne, prediction: Array, config: ValidateConfig, number: int, groups: pd.Series | None
) -> tuple[float, Array]:
    """The score of a prediction, post-processed as fitted to the other folds, and that on each resample."""
    problem = level.problem
    table, answers = judged(problem, level.table, prediction, config)
    score = problem.score(problem.truth(table), answers, table)
    return score, resampled_scores(problem, table, answers, number, groups_in(problem, table, groups))


def _correlation(one: Array, other: Array) -> float:
    one, other = one.ravel() - one.mean(), other.ravel() - other.mean()
    size = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / size if size else float("nan")
