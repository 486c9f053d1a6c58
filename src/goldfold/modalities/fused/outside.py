"""Rows of several kinds of input from outside the competition."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition.tables import line, read_table
from goldfold.modalities.protocol import Inputs, Outside, Spec


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Outside."""

    parts: Sequence[tuple[str, Outside]]

    def read_files(self, paths: Sequence[Path]) -> pd.DataFrame:
        """The rows of tables like the test table, with the paths of files in the columns of files, such as `image`."""
        tables = [read_table(path, ()) for path in paths]
        names = [f"{path} {line(row)}" for path, table in zip(paths, tables, strict=True) for row in range(len(table))]
        return pd.concat(tables).set_axis(names)

    def read_rows(self, table: pd.DataFrame, spec: Spec) -> Inputs:
        """The inputs of all kinds; a text in a column of files is a file's path. Raises ValueError as each kind does."""
        files = [name for name, kind in self.outside_columns(spec).items() if kind == "binary" and name in table]
        contents = {
            name: [Path(value).read_bytes() if isinstance(value, str) else value for value in table[name]] for name in files
        }
        rows = table.assign(**contents)
        return {key: tensor for name, part in self.parts for key, tensor in part.read_rows(rows, spec[name]).items()}

    def outside_columns(self, spec: Spec) -> dict[str, str]:
        """The columns of all kinds."""
        return {column: kind for name, part in self.parts for column, kind in part.outside_columns(spec[name]).items()}

    def describe(self, spec: Spec) -> dict[str, Any]:
        """How each kind's input is made."""
        return {name: part.describe(spec[name]) for name, part in self.parts}


joined = Joined
