"""Resamples of rows, or of whole groups of rows."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from goldfold.metrics import Array


def resamples(rows: int, number: int, groups: Array | None = None) -> Iterator[Array]:
    """Yield `number` resamples of row positions, drawn with replacement, the same each time.

    With `groups`, (rows,), whose rows are not independent, whole groups are drawn (the cluster bootstrap of Davison and Hinkley
    1997, 3.8), and a resample may have more or fewer than `rows` positions.
    """
    draws = np.random.default_rng(0)
    if groups is None:
        for _ in range(number):
            yield draws.integers(rows, size=rows)
        return
    codes = pd.factorize(groups, use_na_sentinel=False)[0]
    members = np.split(np.argsort(codes, kind="stable"), np.cumsum(np.bincount(codes))[:-1])
    for _ in range(number):
        yield np.concatenate([members[group] for group in draws.integers(len(members), size=len(members))])
