"""The columns of a competition's tables as its prepared set keeps them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from goldfold.competition import Competition
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.modalities.table.columns import Feature, decisions, in_words, work_out_features
from goldfold.modalities.table.features.entries import KINDS, parse_entry
from goldfold.modalities.table.features.entry import KEY, Entry
from goldfold.modalities.table.features.steps import fit_steps, frame_of, made_by
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import Gathered
from goldfold.prepare.preparation import Progress
from goldfold.schema import Column

COLUMNS, ENTRIES = "columns.json", "features.json"
TRIED_ON = 1000
"""The rows that entries of prepare.features are fitted to, to see that they can be."""


def gather(competition: Competition, config: TablePrepareConfig, folder: Path, _: Progress, scratch: Path | None) -> Gathered:
    """Work out what each column is, and see that what is made of them can be; the values are in the prepared tables."""
    features = work_out_features(competition, config.columns)
    _require_entries(config.features, features, competition)
    kept = [feature.to_json() for feature in features]
    entries = [entry.model_dump(mode="json") for entry in config.features]
    write_json(folder / COLUMNS, kept)
    if entries:
        write_json(folder / ENTRIES, entries)
    content = [kept, entries] if entries else kept
    digest = hashlib.blake2b(json.dumps(content).encode(), digest_size=16).hexdigest()
    made = f", and {len(entries)} entries of features" if entries else ""
    own = tuple(entry.name for entry in config.features if entry.name not in KINDS)
    return Gathered(digest, in_words(features) + made, decisions(features), own=own)


def features_of(folder: Path) -> list[Feature]:
    """The columns that a prepared set has, with what a model takes them for."""
    return [Feature.from_json(feature) for feature in read_json(folder / COLUMNS)]


def entries_of(folder: Path) -> list[Entry]:
    """The entries of prepare.features; a prepared set without any has no file of them."""
    path = folder / ENTRIES
    return [parse_entry(entry) for entry in read_json(path)] if path.is_file() else []


def sources_of(entries: Sequence[Entry], features: Sequence[Feature]) -> list[Column]:
    """The columns of the tables that entries read, those too that no model reads."""
    read = {name for entry in entries for name in entry.sources}
    return [feature.column for feature in features if feature.name in read]


def _require_entries(entries: Sequence[Entry], features: Sequence[Feature], competition: Competition) -> None:
    """Fit the entries to a few rows, and have your own make all rows.

    Raises InputError for columns that are not in both tables, and as `fit_steps` and `made_by` do.
    """
    if not entries:
        return
    columns, problem, train = sources_of(entries, features), competition.problem, competition.train
    for name in {name for entry in entries for name in entry.sources} & {*train.columns}:
        why = "is predicted" if name in problem.targets else "is not in the test table" if name not in competition.test else ""
        if why:
            raise InputError(f"params.yaml, {KEY}: {name} {why}: nothing can be made of it", mend="leave it out")
    rows = train[:TRIED_ON]
    frame = frame_of(rows, columns)
    known = [feature.name for feature in features if feature.name in competition.test]
    steps = fit_steps(entries, frame, frame, problem.truth(rows), problem, known)
    if any(entry.name not in KINDS for entry in entries):
        # Your own code may fail on rows that it was not fitted to.
        for table in (train, competition.test):
            made_by(steps, frame_of(table, columns))
