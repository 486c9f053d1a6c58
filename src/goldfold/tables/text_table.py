"""The class TextTable."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.metrics import Array

UNNAMED_FIRST = "unnamed column 1"
"""What a first column is called in messages where nothing stands above it."""


@dataclass(frozen=True)
class TextTable:
    """The cells of a table file as texts, exactly as they are written.

    `cells` has columns of the dtype str, unique names and the index 0 to n-1; "" is an empty cell. `rows`, (n,) int64, holds
    each one's row of the file, for messages: the header is row 1. `remarks` are sentences on what was odd and what was done about
    it; `left_out` holds the reason for each column whose values are no cells. `unnamed` is the first column where it has no name,
    as it is written: an index that pandas wrote, which `cells` lack, or the column that they call unnamed1.
    """

    path: Path
    cells: pd.DataFrame
    rows: Array
    remarks: tuple[str, ...]
    left_out: Mapping[str, str]
    unnamed: pd.Series | None = None

    def with_unnamed(self, name: str | None = None) -> pd.DataFrame:
        """Return the cells with the first column that has no name in its place, under what stands there or a name."""
        if self.unnamed is None:
            return self.cells
        written = str(self.unnamed.name)
        others = self.cells.iloc[:, 0 if (written or UNNAMED_FIRST) in self.left_out else 1 :]
        return pd.concat([self.unnamed.rename(written if name is None else name), others], axis=1)
