"""The jobs of a training: each fold with each seed."""

from itertools import product

from goldfold.config import Config

Job = tuple[int, int]
"""A fold and a seed."""


def jobs_of(config: Config) -> list[Job]:
    """List the trainings that params.yaml asks for, in their order."""
    return list(product(config.split.folds, config.train.seeds))
