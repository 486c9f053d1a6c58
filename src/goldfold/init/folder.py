"""Folder: a competition's tables before params.yaml says what they are."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.tables import HeaderGuess, header_guess, header_of, read_text_table


@dataclass(frozen=True)
class Folder:
    """The folder `root` of a competition, whose text tables that are not UTF-8 are in `encoding`, by default worked out."""

    root: Path
    encoding: str | None = None

    def header(self, table: Path, header: bool | None = None) -> list[str]:
        """The names of a table's columns."""
        return header_of(self.root / table, header, self.encoding)

    def guess(self, table: Path) -> HeaderGuess:
        """Whether a table's first line names its columns."""
        return header_guess(self.root / table, self.encoding)

    def cells(self, table: Path) -> pd.DataFrame:
        """The cells of a table, as texts."""
        return read_text_table(self.root / table, encoding=self.encoding).cells
