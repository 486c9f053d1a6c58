"""The columns of a competition's tables as its prepared set keeps them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from goldfold.competition import Competition
from goldfold.files import read_json, write_json
from goldfold.metrics import Array
from goldfold.modalities.table.alike import alike_rows
from goldfold.modalities.table.columns import Column, decisions, told, work_out_columns
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import Gathered, PreparedSet, Shown
from goldfold.prepare.prepare import Progress
from goldfold.prepare.prepared_set import Part

COLUMNS = "columns.json"


def gather(competition: Competition, config: TablePrepareConfig, folder: Path, _: Progress, scratch: Path | None) -> Gathered:
    """Work out what each column is; the values are in the prepared tables."""
    columns = work_out_columns(competition, config.columns)
    kinds = [asdict(column) for column in columns]
    write_json(folder / COLUMNS, kinds)
    digest = hashlib.blake2b(json.dumps(kinds).encode(), digest_size=16).hexdigest()
    return Gathered(digest, told(columns), decisions(columns))


def gather_test(competition: Competition, config: TablePrepareConfig, folder: Path) -> None:
    """Nothing: a model knows the columns that it reads."""


def settle(folder: Path, scratch: Path) -> None:
    """Nothing is shared."""


def find_alike(competition: Competition, config: TablePrepareConfig, folder: Path) -> pd.DataFrame:
    """The rows whose values are the same in all columns that a model reads; of many columns, in all but one."""
    names = [column.name for column in columns_of(folder) if column.kind != "drop"]
    return alike_rows(pd.concat([competition.train[names], competition.test[names]], ignore_index=True))


def show_rows(prepared: PreparedSet, part: Part, rows: Array) -> list[Shown]:
    """The columns that the model reads, with their values."""
    names = [column.name for column in columns_of(prepared.folder) if column.kind != "drop"]
    table = prepared.table(part).iloc[rows][names].astype("object").fillna("–").astype("str")
    return [Shown(values=dict(zip(names, row, strict=True))) for row in table.itertuples(index=False)]


def columns_of(folder: Path) -> list[Column]:
    """The columns that a prepared set has, with their kinds."""
    return [Column(**column) for column in read_json(folder / COLUMNS)]
