"""Texts from outside the competition, and how a program without goldfold turns them into the model's input."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.tables import read_rows
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.modalities.text.learning import TextView
from goldfold.modalities.text.prepare import texts_of

TEXT = "text"
"""The column with the content of text files."""


def read_files(paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
    """Return the contents of text files and of those in folders, or the rows of tables like the test table.

    Raises InputError for missing files, for folders without a .txt file, and for text files beside tables.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} files or folders are not there", missing, "correct the paths")
    files = [file for path in paths for file in (sorted(path.rglob("*.txt")) if path.is_dir() else [path])]
    texts = [file for file in files if file.suffix == ".txt"]
    if not files or (texts and len(texts) < len(files)):
        raise InputError(
            "give text files (.txt) or folders of them, or else tables like the test table (.csv, .tsv, .parquet)",
            [str(path) for path in paths],
        )
    if texts:
        contents = [file.read_text(encoding="utf-8", errors="replace") for file in texts]
        return pd.DataFrame({TEXT: contents}, index=[str(file) for file in texts])
    return read_rows(files, header)


def test_rows(competition: Competition) -> pd.DataFrame:
    """Return the test table."""
    return competition.test


def outside_view(table: pd.DataFrame, spec: Mapping[str, Any], change: Component | None, unreadable: dict[int, str]) -> TextView:
    """Return the rows as the plain view shows them, of the spec's columns or of the column `text` alone."""
    missing = [name for name in spec["columns"] if name not in table]
    if missing and list(table.columns) != [TEXT]:
        raise InputError(f"the rows have no column {', '.join(missing)}", mend="give tables like the test table, or text files")
    return TextView(texts_of(table, {**spec, "columns": [TEXT]} if missing else spec), spec)


def outside_columns(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the columns of texts."""
    return dict.fromkeys(spec["columns"], "string")


STEPS = {
    "words": [
        "lower case, if lowercase; the words are the matches of token_pattern (of Python's re), at most the first max_length",
        "a word becomes 2 + its index in the list words, any other word 1; a text without words becomes a single 1",
    ],
    "subwords": ["the ids that the tokenizer (of the library tokenizers, as JSON) gives, each plus 1"],
    "bytes": ["the first max_length characters, if there is one, as UTF-8"],
}


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a row becomes the model's input."""
    bytes_alone = spec["read"] == "bytes"
    name, dtype = ("text", "uint8") if bytes_alone else ("tokens", "int64")
    return {
        "input": {"name": name, "shape": ["batch", "length"], "dtype": dtype},
        "steps": [
            "the row's columns, empty where they are missing, joined by separator; without white space at both ends",
            *STEPS[spec["read"]],
            "0 to the right, up to the longest text of the batch",
        ],
        "encoding": dict(spec),
    }
