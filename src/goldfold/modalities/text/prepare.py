"""The texts of a competition, which its prepared tables hold: which columns they are."""

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

TEXTS = "texts.json"
SEVERAL = 3.0
"""Words in a value, on average, from which a column holds texts."""


def gather(competition: Competition, config: TextPrepareConfig, folder: Path, _: Progress, scratch: Path | None) -> Gathered:
    """Work out which columns are texts; the texts themselves are in the prepared tables.

    Raises InputError for a column that is not there, and where none holds texts.
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
    told = f"texts of {min(words)} to {max(words)} words, {sum(words) / len(words):.0f} on average"
    digest = hashlib.blake2b(json.dumps(kept).encode(), digest_size=16).hexdigest()
    learned = {"fold": "the training rows of the fold", "all": "all texts of training and test table"}[config.vocabulary]
    return Gathered(digest, told, (decision, Decision("vocabulary", config.vocabulary, f"learned from {learned}")), tuple(blank))


def kept_texts(folder: Path) -> dict[str, Any]:
    """The columns of a prepared set's texts, their separator, and what a vocabulary is learned from."""
    kept: dict[str, Any] = read_json(folder / TEXTS)
    return kept


def texts_of(table: pd.DataFrame, spec: Mapping[str, Any]) -> list[str]:
    """The text of each row: its columns, joined by the separator; the empty string where there is none."""
    columns = [table[name].astype("object").fillna("").astype("str") for name in spec["columns"]]
    return [spec["separator"].join(parts).strip() for parts in zip(*columns, strict=True)]


def _columns(competition: Competition, config: TextPrepareConfig) -> tuple[list[str], Decision]:
    """The columns of texts, and why."""
    train, test, problem = competition.train, competition.test, competition.problem
    if config.columns:
        for table, name in ((train, "the training table"), (test, "the test table")):
            require_columns(table.columns, config.columns, name, "prepare.columns")
        return list(config.columns), Decision("text columns", ", ".join(config.columns), "as params.yaml says")
    words = {
        name: sum(len(str(value).split()) for value in train[name].dropna()) / len(train)
        for name in train.columns
        if name in test and name not in (problem.id, *problem.targets) and _is_text(train[name])
    }
    columns = [name for name, count in words.items() if count >= SEVERAL]
    told = [f"{name} {count:.1f}" for name, count in words.items()]
    if not columns:
        raise InputError(
            "no column of both tables holds texts: several words on average", told, "name the right ones in prepare.columns"
        )
    return columns, Decision("text columns", ", ".join(columns), f"words on average: {', '.join(told)}")


def _is_text(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values) or pd.api.types.is_object_dtype(values))
