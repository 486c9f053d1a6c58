"""The columns of a competition's tables as its prepared set keeps them."""

import hashlib
import json
from pathlib import Path

from goldfold.competition import Competition
from goldfold.files import read_json, write_json
from goldfold.modalities.table.columns import Feature, decisions, in_words, work_out_features
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import Gathered
from goldfold.prepare.preparation import Progress

COLUMNS = "columns.json"


def gather(competition: Competition, config: TablePrepareConfig, folder: Path, _: Progress, scratch: Path | None) -> Gathered:
    """Work out what each column is; the values are in the prepared tables."""
    features = work_out_features(competition, config.columns)
    kept = [feature.to_json() for feature in features]
    write_json(folder / COLUMNS, kept)
    digest = hashlib.blake2b(json.dumps(kept).encode(), digest_size=16).hexdigest()
    return Gathered(digest, in_words(features), decisions(features))


def features_of(folder: Path) -> list[Feature]:
    """The columns that a prepared set has, with what a model takes them for."""
    return [Feature.from_json(feature) for feature in read_json(folder / COLUMNS)]
