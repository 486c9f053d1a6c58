"""Prepare a competition apart from data/prepared, for trials, races and notebooks."""

import hashlib
from pathlib import Path

from goldfold.competition import Competition, read_competition
from goldfold.config import Config
from goldfold.prepare.preparation import prepare
from goldfold.prepare.prepared_set import PreparedSet


def prepare_apart(config: Config, scratch: Path, competition: Competition | None = None) -> PreparedSet:
    """Prepare a competition, by default the config's, apart from data/prepared: in a folder of `scratch` for each preparation."""
    settings = config.model_dump_json(include={"competition", "split", "prepare"})
    folder = scratch / "prepared" / hashlib.blake2b(settings.encode(), digest_size=8).hexdigest()
    competition = competition or read_competition(config.competition, config.prepare)
    prepared, _ = prepare(competition, config.split, config.prepare, folder, scratch=scratch)
    return prepared
