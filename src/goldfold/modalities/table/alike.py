"""Rows of a table that are the same: in all columns, or of many in all but one."""

from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.modalities.table.prepare import features_of
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare.duplicates import equal_rows, pairs_table

BY_CHANCE = 0.05
"""The number of rows of the whole table that may be the same as another by chance, for the same rows to be called duplicates."""
MANY = 20
"""Columns from which rows that differ in one alone are nearly the same."""


def find_alike(competition: Competition, config: TablePrepareConfig, folder: Path) -> pd.DataFrame:
    """Find the rows whose values are the same in all columns that a model reads; of many columns, in all but one."""
    names = [feature.name for feature in features_of(folder) if feature.kind != "drop"]
    return alike_rows(pd.concat([competition.train[names], competition.test[names]], ignore_index=True))


def alike_rows(table: pd.DataFrame) -> pd.DataFrame:
    """The pairs of rows of the same values, exact, and of a table of MANY columns those that differ in one, near.

    Values that many rows have say little: a pair counts where the rows that would have the same values by chance, were each
    column drawn by itself, are fewer than BY_CHANCE in the whole table.
    """
    hashed, rarity = _hashed(table)
    told = rarity.sum(axis=1) + 2 * np.log(len(table)) < np.log(BY_CHANCE)
    total = hashed.sum(axis=1, dtype=np.uint64)
    first, second = equal_rows(total)
    same = pairs_table(first[told[second]], second[told[second]])
    found = [same]
    if table.shape[1] >= MANY:
        distinct = np.setdiff1d(np.arange(len(table)), second)
        for column in range(table.shape[1]):
            one, other = equal_rows((total - hashed[:, column])[distinct])
            rows = distinct[one], distinct[other]
            surprising = (rarity.sum(axis=1) - rarity[:, column] + 2 * np.log(len(table)) < np.log(BY_CHANCE))[rows[1]]
            found.append(pairs_table(rows[0][surprising], rows[1][surprising], "near", 1 - 1 / table.shape[1]))
    pairs = pd.concat(found).drop_duplicates(["first", "second"])
    return pairs.sort_values(["first", "second"], ignore_index=True)


def _hashed(table: pd.DataFrame) -> tuple[Array, Array]:
    """A number for each value, (rows, columns) uint64, whose sum tells rows apart; and the log of the value's share of rows."""
    draws = np.random.default_rng(0)
    hashed, rarity = np.empty(table.shape, np.uint64), np.empty(table.shape)
    for place, name in enumerate(table.columns):
        codes, values = pd.factorize(table[name], use_na_sentinel=False)
        hashed[:, place] = draws.integers(0, 2**64, len(values), dtype=np.uint64)[codes]
        rarity[:, place] = np.log(np.bincount(codes) / len(table))[codes]
    return hashed, rarity
