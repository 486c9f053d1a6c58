"""Candidate pairs by hashes: rows that share one of several, and no comparison of all with all."""

from collections.abc import Iterable, Iterator

import numpy as np

from goldfold.metrics import Array

NEIGHBOURS = 8
"""Rows that a row is paired with, of those that share a hash with it: thousands may."""


def candidates(keys: Iterable[Array], place: Array) -> Iterator[Array]:
    """Yield for each of the tables of hashes, each (rows,) int, the pairs of rows that share one, (n, 2) int64.

    Of many that do, each row is paired with those NEIGHBOURS that come next to it by `place`, (rows,).
    """
    for table in keys:
        order = np.lexsort((place, table))
        sorted_keys = table[order]
        for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
            same = sorted_keys[:-step] == sorted_keys[step:]
            yield np.stack([order[:-step][same], order[step:][same]], axis=1)
