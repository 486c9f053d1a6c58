"""Candidate pairs: rows that share one of several hashes, so that not all rows are compared with all."""

from collections.abc import Iterable, Iterator

import numpy as np

from goldfold.metrics import Array

NEIGHBOURS = 8
"""How many of the rows that share its hash, which may be thousands, a row is paired with."""


def candidates(keys: Iterable[Array], rank: Array) -> Iterator[Array]:
    """Yield, for each of several hashes of the rows, (rows,) int, the pairs of rows that share it, (n, 2) int64.

    Where many rows do, each is paired with the NEIGHBOURS that follow it by `rank`, (rows,).
    """
    for table in keys:
        order = np.lexsort((rank, table))
        sorted_keys = table[order]
        for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
            same = sorted_keys[:-step] == sorted_keys[step:]
            yield np.stack([order[:-step][same], order[step:][same]], axis=1)
