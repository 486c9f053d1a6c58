"""The class TextTable."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.metrics import Array


@dataclass(frozen=True)
class TextTable:
    """The cells of a table file as texts, exactly as they are written.

    `cells` has columns of the dtype str, unique names and the index 0 to n-1; "" is an empty cell. `rows`, (n,) int64, holds
    each one's row of the file, for messages: the header is row 1. `remarks` are sentences on what was odd and what was done about
    it; `left_out` holds the reason for each column whose values are no cells.
    """

    path: Path
    cells: pd.DataFrame
    rows: Array
    remarks: tuple[str, ...]
    left_out: Mapping[str, str]
