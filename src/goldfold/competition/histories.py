"""Tables with several rows for a key, such as the transactions of a client, as one row for each."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from goldfold.config import Summary
from goldfold.metrics import Array
from goldfold.schema import as_numbers, work_out_schema
from goldfold.schema.numbers import canonical
from goldfold.tables import TextTable

OF_NUMBERS, ISO = ("mean", "deviation", "min", "max", "sum"), "%Y-%m-%d %H:%M:%S"


def count_of(table: TextTable) -> str:
    """Return the name of the column that counts the rows of a key, 0 where there are none."""
    return f"{table.path.name.split('.')[0]} count"


def summed_up(table: TextTable, key: Sequence[str], keys: pd.Series, take: Sequence[Summary]) -> TextTable:
    """Return a table with one row for each of the `keys` of its rows: the columns `key`, and what is to be taken of the others.

    Numbers, truths, times and durations (in seconds) have a mean, a deviation (0 of one row), a least, a largest and a sum, and
    dates the first and the last; every column has its last value by the order of the file, and how many different ones there are.
    """
    groups = keys.groupby(keys, sort=False)
    first = ~keys.duplicated().to_numpy()
    made: dict[str, pd.Series] = {count_of(table): groups.size().astype("str")} if "count" in take else {}
    schema = work_out_schema([table], {}, key)
    for column in schema.columns:
        if column.name in key:
            continue
        values = column.read(table.cells[column.name])
        is_number = column.kind not in ("category", "text", "date")
        for one in take:
            if one == "last":
                made[f"{column.name} last"] = table.cells[column.name].set_axis(keys).groupby(level=0, sort=False).last()
            elif one == "distinct":
                made[f"{column.name} distinct"] = values.groupby(keys.to_numpy(), sort=False).nunique().astype("str")
            elif column.kind == "date" and one in ("min", "max"):
                made[f"{column.name} {one}"] = values.groupby(keys.to_numpy(), sort=False).agg(one).dt.strftime(ISO).fillna("")
            elif one in OF_NUMBERS and is_number:
                made[f"{column.name} {one}"] = _summary(as_numbers(values), keys, one)
    summed = pd.DataFrame(made, dtype="str").loc[keys[first]].reset_index(drop=True)
    cells = pd.concat([table.cells.loc[first, list(key)].reset_index(drop=True), summed], axis=1)
    return replace(table, cells=cells, rows=table.rows[first])


def _summary(numbers: Array, keys: pd.Series, one: str) -> pd.Series:
    """One summary of each key's numbers, as texts; empty where all are missing."""
    groups = pd.Series(numbers).groupby(keys.to_numpy(), sort=False)
    values = groups.std(ddof=0) if one == "deviation" else groups.sum(min_count=1) if one == "sum" else groups.agg(one)
    return canonical(np.asarray(values, np.float64)).set_axis(values.index)
