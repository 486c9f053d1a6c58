"""The columns of a competition's tables as its prepared set keeps them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from goldfold.competition import Competition
from goldfold.files import read_json, write_json
from goldfold.modalities.table.columns import Column, decisions, told, work_out_columns
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import Gathered
from goldfold.prepare.preparation import Progress

COLUMNS = "columns.json"


def gather(competition: Competition, config: TablePrepareConfig, folder: Path, _: Progress, scratch: Path | None) -> Gathered:
    """Work out what each column is; the values are in the prepared tables."""
    columns = work_out_columns(competition, config.columns)
    kinds = [asdict(column) for column in columns]
    write_json(folder / COLUMNS, kinds)
    digest = hashlib.blake2b(json.dumps(kinds).encode(), digest_size=16).hexdigest()
    return Gathered(digest, told(columns), decisions(columns))


def columns_of(folder: Path) -> list[Column]:
    """The columns that a prepared set has, with their kinds."""
    return [Column(**column) for column in read_json(folder / COLUMNS)]
