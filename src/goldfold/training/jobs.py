"""The jobs of a training: each fold with each seed."""

from collections.abc import Sequence
from itertools import product

from goldfold.config import TrainConfig

Job = tuple[int, int]
"""A fold and a seed."""


def jobs_of(folds: Sequence[int], train: TrainConfig) -> list[Job]:
    """List the trainings of these folds, in their order."""
    return list(product(folds, train.seeds))
