"""Rows from outside the competition, and how a program without goldfold makes the model's input of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from goldfold.competition.tables import line, read_table
from goldfold.modalities.protocol import Inputs
from goldfold.modalities.table.columns import Column
from goldfold.modalities.table.encoding import encode, sizes


def read_files(paths: Sequence[Path]) -> pd.DataFrame:
    """The rows of tables like the test table; raises InputError for a file that is none."""
    tables = [read_table(path, ()) for path in paths]
    names = [f"{path} {line(row)}" for path, table in zip(paths, tables, strict=True) for row in range(len(table))]
    return pd.concat(tables).set_axis(names)


def read_rows(table: pd.DataFrame, spec: Mapping[str, Any]) -> Inputs:
    """Rows as the plain view shows them; raises ValueError where a column is not there."""
    missing = [column["name"] for column in spec["columns"] if column["name"] not in table]
    if missing:
        raise ValueError(f"it has no column {', '.join(missing)}")
    columns = [Column(column["name"], column["kind"], "") for column in spec["columns"]]
    numbers, categories = encode(table, columns, spec)
    return {"numbers": torch.from_numpy(numbers), "categories": torch.from_numpy(categories)}


def outside_columns(spec: Mapping[str, Any]) -> dict[str, str]:
    """The columns, as texts or numbers."""
    return {column["name"]: "double" if column["kind"] == "number" else "string" for column in spec["columns"]}


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """How a row becomes the model's input."""
    numbers, categories = sizes(spec)
    return {
        "input": [
            {"name": "numbers", "shape": ["batch", numbers], "dtype": "float32"},
            {"name": "categories", "shape": ["batch", len(categories)], "dtype": "int64"},
        ],
        "steps": [
            "numbers, in the order of encoding.numbers: the median where it is missing; then the standard normal quantile of its "
            "rank among the quantiles, or (value - mean) / std where there are none; then, if indicator, 1 where it is missing",
            "categories, in the order of encoding.categories: 0 for an unknown value, 1 for a missing one, else 2 + its place",
            "targets: the means of the target for each value of a category, or else, are numbers too",
        ],
        "encoding": dict(spec),
    }
