"""Rows from outside the competition, and how a program without goldfold makes the model's input of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.tables import read_rows
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.modalities.table.encoding import sizes
from goldfold.modalities.table.learning import TableView, columns_read, view_of


def read_files(paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
    """The rows of tables like the test table, whose first row may be a header; raises InputError for a file that is none."""
    return read_rows(paths, header)


def test_rows(competition: Competition) -> pd.DataFrame:
    """The test table."""
    return competition.test


def outside_view(table: pd.DataFrame, spec: Mapping[str, Any], change: Component | None, unreadable: dict[int, str]) -> TableView:
    """Rows as the plain view shows them; any value can be read, as a missing one at the worst."""
    missing = [column.name for column in columns_read(spec) if column.name not in table]
    if missing:
        raise InputError(f"the rows have no column {', '.join(missing)}", mend="give tables like the test table")
    return view_of(table, spec)


def outside_columns(spec: Mapping[str, Any]) -> dict[str, str]:
    """The columns, as texts or plain numbers."""
    return {column.name: "double" if column.kind == "number" and not column.format else "string" for column in columns_read(spec)}


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """How a row becomes the model's input."""
    numbers, categories = sizes(spec)
    return {
        "input": [
            {"name": "numbers", "shape": ["batch", numbers], "dtype": "float32"},
            {"name": "categories", "shape": ["batch", len(categories)], "dtype": "int64"},
        ],
        "steps": [
            "cells, by columns: the text without spaces around it, missing where it is empty or among missing, else read by kind "
            "and format (a number's marks and unit, the words of a boolean, the strptime format of a date, which is UTC)",
            "features: columns made of those in features.columns, by each of features.steps in turn, with what it learned",
            "numbers, in the order of encoding.numbers: the median where it is missing; then the standard normal quantile of its "
            "rank among the quantiles, or (value - mean) / std where there are none; then, if indicator, 1 where it is missing",
            "categories, in the order of encoding.categories: 0 for an unknown value, 1 for a missing one, else 2 + its place",
            "targets: the means of the target for each value of a category, or else, are numbers too",
        ],
        "encoding": dict(spec),
    }
