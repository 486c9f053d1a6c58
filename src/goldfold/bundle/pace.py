"""Pace: how fast a bundle predicts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition

FEWEST, MOST = 256, 2**18
"""Rows to measure by, at first and at most; those of the test set, again and again where it has fewer."""
LONGEST = 10.0
"""Seconds after which the measured rows are enough, whatever they say."""
WORTH = 1.2
"""How much longer all of them have to take than a quarter, to separate the time per row from the start."""


@dataclass(frozen=True)
class Pace:
    """The measured speed of a bundle: seconds to start and per test row, measured on `rows` rows."""

    start: float
    row: float
    rows: int

    def seconds(self, rows: int) -> float:
        """Return the seconds that so many test rows take on the machine that was measured."""
        return self.start + self.row * rows


def paced(predict: Callable[[Competition], Any], competition: Competition) -> Pace:
    """Time some test rows and a quarter of them, after a warm-up, and more rows where the two hardly differ.

    If they still do, all of the time counts as the rows', which errs on the safe side.
    """
    many = FEWEST
    _timed(predict, competition, many // 4)
    while True:
        few = many // 4
        short, long = _timed(predict, competition, few), _timed(predict, competition, many)
        if long >= WORTH * short:
            row = (long - short) / (many - few)
            return Pace(max(long - row * many, 0.0), row, many)
        if many == MOST or long > LONGEST:
            return Pace(0.0, long / many, many)
        many *= 4


def timed_once(predict: Callable[[Competition], pd.DataFrame], competition: Competition) -> tuple[Pace, pd.DataFrame]:
    """Predict all test rows once, for what cannot predict some of them; all of the time counts as the rows'."""
    start, rows = time.monotonic(), len(competition.test)
    predicted = predict(competition)
    return Pace(0.0, (time.monotonic() - start) / rows, rows), predicted


def _timed(predict: Callable[[Competition], Any], competition: Competition, rows: int) -> float:
    start = time.monotonic()
    predict(replace(competition, test=competition.test.iloc[np.resize(np.arange(len(competition.test)), rows)]))
    return time.monotonic() - start
