"""Which columns of the prepared tables are texts."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Competition, Decision
from goldfold.competition.tables import require_columns
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.modalities.text.settings import TextPrepareConfig
from goldfold.prepare import Gathered
from goldfold.prepare.preparation import Progress
from goldfold.tables import text_cells

TEXTS = "texts.json"


def gather(competition: Competition, config: TextPrepareConfig, folder: Path, _: Progress, scratch: Path | None) -> Gathered:
    """Record which columns are texts; the texts themselves are in the prepared tables.

    Raises InputError for a missing column, and where no column holds texts.
    """
    columns, decision = _columns(competition, config)
    kept = {"columns": columns, "separator": config.separator, "vocabulary": config.vocabulary}
    write_json(folder / TEXTS, kept)
    blank, words = [], []
    for name, table in (("train", competition.train), ("test", competition.test)):
        texts = texts_of(table, kept)
        ids = table[competition.problem.id]
        blank += [f"{name} {key}: no text" for key, text in zip(ids, texts, strict=True) if not text]
        words += [len(text.split()) for text in texts]
    description = f"texts of {min(words)} to {max(words)} words, {sum(words) / len(words):.0f} on average"
    digest = hashlib.blake2b(json.dumps(kept).encode(), digest_size=16).hexdigest()
    learned = {"fold": "the training rows of the fold", "all": "all texts of training and test table"}[config.vocabulary]
    vocabulary = Decision("vocabulary", config.vocabulary, f"learned from {learned}")
    return Gathered(digest, description, (decision, vocabulary), tuple(blank))


def kept_texts(folder: Path) -> dict[str, Any]:
    """Return the columns of a prepared set's texts, their separator, and what a vocabulary is learned from."""
    kept: dict[str, Any] = read_json(folder / TEXTS)
    return kept


def texts_of(table: pd.DataFrame, spec: Mapping[str, Any]) -> list[str]:
    """Return the text of each row: its columns joined by the separator, the empty string where all are empty."""
    cells, _ = text_cells(table[list(spec["columns"])])
    columns = [cells[name] for name in spec["columns"]]
    return [spec["separator"].join(parts).strip() for parts in zip(*columns, strict=True)]


def _columns(competition: Competition, config: TextPrepareConfig) -> tuple[list[str], Decision]:
    """Return the columns of texts, and why."""
    train, test = competition.train, competition.test
    if config.columns:
        for table, name in ((train, "the training table"), (test, "the test table")):
            require_columns(table.columns, config.columns, name, "prepare.columns")
        return list(config.columns), Decision("text columns", ", ".join(config.columns), "as params.yaml says")
    shared = [column for column in competition.schema.columns if column.name in train and column.name in test]
    columns = [column for column in shared if column.kind == "text"]
    if not columns:
        raise InputError(
            "no column of both tables holds texts: several words in most cells",
            [f"{column.name}: {column.kind}, {column.why}" for column in shared],
            "name the right ones in prepare.columns",
        )
    names = [column.name for column in columns]
    return names, Decision("text columns", ", ".join(names), "; ".join(f"{column.name}: {column.why}" for column in columns))
