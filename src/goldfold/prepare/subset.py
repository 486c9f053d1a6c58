"""A small part of a competition, to run the whole pipeline in seconds."""

from dataclasses import replace

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Problem
from goldfold.metrics import Array


def few_rows(competition: Competition, rows: int, n_folds: int) -> Competition:
    """Take about `rows` training and test rows of a competition; the sample submission stays whole.

    Each class keeps at least as many training rows as there are folds.
    """
    least = n_folds * (len(competition.problem.classes) if competition.problem.is_exclusive else 1)
    train = some_rows(competition.problem, competition.train, max(rows, least))
    return with_rows(competition, train, spread(len(competition.test), rows))


def with_rows(competition: Competition, train: Array, test: Array) -> Competition:
    """The competition with these rows of its training and its test table alone; the sample submission stays whole."""
    own = len(competition.train) - competition.extra
    return replace(
        competition,
        train=competition.train.iloc[train].reset_index(drop=True),
        test=competition.test.iloc[test].reset_index(drop=True),
        extra_weights=competition.extra_weights[train[train >= own] - own],
    )


def some_rows(problem: Problem, table: pd.DataFrame, wanted: int) -> Array:
    """So many rows of a labelled table, in order: of each class equally many, or evenly spaced ones."""
    if not problem.is_exclusive:
        return spread(len(table), wanted)
    truth = problem.class_of(problem.truth(table))
    turn = table.groupby(truth).cumcount().to_numpy()
    return np.sort(np.lexsort((truth, turn))[:wanted])


def spread(count: int, wanted: int) -> Array:
    """Integers below `count`, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int))
