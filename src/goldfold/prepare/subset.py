"""A small part of a competition, to run the whole pipeline in seconds."""

from dataclasses import replace

import numpy as np

from goldfold.competition import Competition
from goldfold.metrics import Array


def few_rows(competition: Competition, rows: int, n_folds: int) -> Competition:
    """Take about `rows` training and test rows of a competition; the sample submission stays whole.

    Each class keeps at least as many training rows as there are folds.
    """
    problem, train = competition.problem, competition.train
    if problem.is_exclusive:
        truth = problem.class_of(problem.truth(train))
        turn = train.groupby(truth).cumcount().to_numpy()
        chosen = np.lexsort((truth, turn))[: max(rows, n_folds * len(problem.classes))]
    else:
        chosen = _spread(len(train), max(rows, n_folds))
    kept = sorted(chosen.tolist())
    test = _spread(len(competition.test), rows).tolist()
    return replace(
        competition,
        train=train.iloc[kept].reset_index(drop=True),
        test=competition.test.iloc[test].reset_index(drop=True),
        extra=sum(row >= len(train) - competition.extra for row in kept),
    )


def _spread(count: int, wanted: int) -> Array:
    """Integers below `count`, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int))
