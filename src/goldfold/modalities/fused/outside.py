"""Rows of several kinds of input from outside the competition."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.tables import read_rows
from goldfold.config import Component
from goldfold.modalities.fused.learning import FusedView
from goldfold.modalities.protocol import Outside, Spec


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Outside."""

    parts: Sequence[tuple[str, Outside]]

    def read_files(self, paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
        """Return the rows of tables like the test table; a column of files, such as `image`, holds their paths."""
        return read_rows(paths, header)

    def test_rows(self, competition: Competition) -> pd.DataFrame:
        """Return the test table with the columns that the kinds add to it."""
        tables = pd.concat([part.test_rows(competition) for _, part in self.parts], axis=1)
        return tables.loc[:, ~tables.columns.duplicated()]

    def outside_view(self, table: pd.DataFrame, spec: Spec, change: Component | None, unreadable: dict[int, str]) -> FusedView:
        """Return the views of all kinds, the first of them changed; a text in a column of files is a path."""
        files = [name for name, kind in self.outside_columns(spec).items() if kind == "binary" and name in table]
        rows = table.copy()
        for name in files:
            rows[name] = pd.Series([Path(cell) if isinstance(cell, str) else cell for cell in table[name]], table.index, object)
        changes = [change, *[None] * (len(self.parts) - 1)]
        parts = zip(self.parts, changes, strict=True)
        return FusedView([part.outside_view(rows, spec[name], change, unreadable) for (name, part), change in parts])

    def outside_columns(self, spec: Spec) -> dict[str, str]:
        """Return the columns of all kinds."""
        return {column: kind for name, part in self.parts for column, kind in part.outside_columns(spec[name]).items()}

    def describe(self, spec: Spec) -> dict[str, Any]:
        """Return how each kind's input is made."""
        return {name: part.describe(spec[name]) for name, part in self.parts}


joined = Joined
