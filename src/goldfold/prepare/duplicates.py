"""Duplicate rows: their pairs, their groups, and how a group gets into one fold."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from goldfold.metrics import Array

FILE = "duplicates.parquet"
"""The confirmed pairs of a prepared set; missing where the audit is off."""
COLUMNS = ("first", "second", "how", "likeness")
"""A pair's rows, numbered through the training and then the test table; exact, near or mirrored; 1 is the same."""


def pairs_table(
    first: ArrayLike, second: ArrayLike, how: str | Sequence[str] = "exact", likeness: Array | float = 1.0
) -> pd.DataFrame:
    """Pairs with COLUMNS, sorted, the lower row first."""
    rows = np.sort(np.stack([np.asarray(first, np.int64), np.asarray(second, np.int64)], axis=1), axis=1).reshape(-1, 2)
    table = pd.DataFrame({"first": rows[:, 0], "second": rows[:, 1]})
    table["how"] = pd.Series(how, index=table.index, dtype="str") if isinstance(how, str) else pd.Series(list(how), dtype="str")
    table["likeness"] = np.asarray(likeness, np.float64) if np.ndim(likeness) else float(likeness)
    return table.sort_values(["first", "second"], ignore_index=True)


def equal_rows(keys: Sequence[object] | Array) -> tuple[Array, Array]:
    """The rows that repeat an earlier row's key, as pairs: the first rows with the key, and the rows that repeat it."""
    codes, uniques = pd.factorize(np.asarray(keys))
    first = np.full(len(uniques), len(codes), np.int64)
    np.minimum.at(first, codes, np.arange(len(codes)))
    again = np.flatnonzero(first[codes] != np.arange(len(codes)))
    return first[codes][again], again


def groups_of(pairs: Array, rows: int) -> Array:
    """The group of each row, (rows,) int: a connected component of the graph whose edges are `pairs`, (n, 2)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(rows, rows))
    return np.asarray(connected_components(links, directed=False)[1])


def in_one_fold(folds: Array, pairs: Array, tied: Sequence[pd.Series], always: Array, in_time: bool) -> Array:
    """The folds of the training rows, with each group of duplicates moved into one and all other rows where they were.

    Test rows among `pairs`, (n, 2), link training rows too, and rows that share a value of a `tied` column move together. A group
    moves to the fold of most of its rows; in time to its last fold, so that no row is trained on too early; and into training
    alone if one of its rows is `always` trained on (a mask).
    """
    count = len(folds)
    shared = [np.stack(equal_rows(column.astype("str").to_numpy()), axis=1) for column in tied]
    groups = groups_of(np.concatenate([pairs, *shared]), max(count, int(pairs.max(initial=-1)) + 1))
    table = pd.DataFrame({"group": groups[:count], "fold": folds})
    split = table[table["group"].isin(groups[pairs[:, 0]])].groupby("group")["fold"].nunique()
    joined = folds.copy()
    for group in split.index[split > 1]:
        rows = np.flatnonzero(groups[:count] == group)
        present, counts = np.unique(folds[rows], return_counts=True)
        joined[rows] = -1 if always[rows].any() else present[-1] if in_time else present[counts.argmax()]
    return joined
