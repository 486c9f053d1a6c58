"""The prepared tables as MLflow's datasets."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pandas.api import types

from goldfold.prepare import PreparedSet

MOST_COLUMNS = 1000
"""A wider table is logged without its schema."""


class Dataset(NamedTuple):
    """A table: its `digest`, its `source`, `schema` and `profile` as MLflow's JSON, and what it is for."""

    name: str
    digest: str
    source: str
    schema: str
    profile: str
    context: str


def datasets_of(prepared: PreparedSet) -> list[Dataset]:
    """Describe the training and the test table, with hashes of what they hold."""
    folder, name = prepared.folder, prepared.problem.name
    return [
        _described(folder / "train.parquet", prepared.train, f"{name}-train", "training"),
        _described(folder / "test.parquet", prepared.test, f"{name}-test", "testing"),
    ]


def _described(file: Path, table: pd.DataFrame, name: str, context: str) -> Dataset:
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, lambda: hashlib.blake2b(digest_size=4)).hexdigest()
    columns = [{"type": _type(table[column]), "name": str(column), "required": True} for column in table.columns[:MOST_COLUMNS]]
    return Dataset(
        name,
        digest,
        json.dumps({"uri": str(file.resolve())}),
        json.dumps({"mlflow_colspec": columns}) if len(columns) == table.shape[1] else "",
        json.dumps({"num_rows": len(table), "num_elements": table.size}),
        context,
    )


def _type(column: pd.Series) -> str:
    """The name of a column's type, as MLflow has it."""
    if types.is_bool_dtype(column):
        return "boolean"
    if types.is_integer_dtype(column):
        return "long"
    if types.is_float_dtype(column):
        return "double"
    return "datetime" if types.is_datetime64_any_dtype(column) else "string"
