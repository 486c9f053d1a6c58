"""Rows that are parts of a sound file: which columns say where they begin and end."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.row_files import RowFiles
from goldfold.metrics import Array

LOOKED_AT = 300
STARTS, ENDS = r"start|starts|begin|begins|onset|t_?min|from", r"end|ends|stop|stops|offset|t_?max|to"
"""Words in the names of columns of times, alone or beside others, as in start_time, Begin Time (s), t_min."""
ROUNDED = 0.1
"""Seconds by which an end may lie behind the file's."""


class Times(NamedTuple):
    """The columns of seconds at which rows begin and end, and the seconds of each row."""

    start: str
    end: str
    seconds: Array


def times_of_rows(competition: Competition, files: RowFiles) -> Times | None:
    """Return the columns that say where in its file each row is: both tables have them, and the files hold these times; None
    where there are none."""
    tables = [table for table in (competition.train, competition.test) if len(table)]
    start, end = (_called(tables, words, competition.problem.targets) for words in (STARTS, ENDS))
    if not start or not end:
        return None
    starts, ends = (pd.concat([table[name] for table in tables]).to_numpy(np.float64, na_value=np.nan) for name in (start, end))
    rows = np.unique(np.linspace(0, len(starts) - 1, min(len(starts), LOOKED_AT)).astype(int))
    lengths = np.array([_seconds(files, row) for row in rows])
    held = np.isnan(lengths) | (ends[rows] <= lengths + ROUNDED)
    return Times(start, end, ends - starts) if ((starts >= 0) & (ends > starts)).all() and held.all() else None


def _called(tables: list[pd.DataFrame], words: str, targets: tuple[str, ...]) -> str | None:
    """The first column of numbers of all tables with one of these words in its name."""
    for name in tables[0].columns:
        spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        called = name not in targets and re.search(rf"(?:^|[_\W])(?:{words})(?:$|[_\W])", spelt)
        if called and all(name in table and pd.api.types.is_numeric_dtype(table[name]) for table in tables):
            return str(name)
    return None


def _seconds(files: RowFiles, row: int) -> float:
    """The seconds of a row's file by its header, NaN where it cannot be read."""
    import soundfile

    try:
        return float(soundfile.info(files.root / files.paths[row]).duration)
    except (soundfile.SoundFileError, OSError):
        return float("nan")
