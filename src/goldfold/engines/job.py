"""Job: a training that any process can do."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from goldfold.config import parse_config
from goldfold.prepare import PreparedSet
from goldfold.training.reporter import Reporter
from goldfold.training.stopping import Stop
from goldfold.training.train import train_fold


@dataclass(frozen=True)
class Job:
    """A fold and a seed, the prepared set to learn from, all settings as JSON, and where the FoldResult goes."""

    name: str
    fold: int
    seed: int
    prepared: Path
    settings: str
    folder: Path
    scratch: Path

    def run(self, reporter: Reporter, stop: Stop) -> None:
        """Train, alone or as one of the ranks; raises as train_fold does."""
        config = parse_config(json.loads(self.settings))
        train_fold(_read(self.prepared), self.fold, self.seed, config, self.folder, reporter, self.scratch, stop)


@lru_cache(maxsize=1)
def _read(folder: Path) -> PreparedSet:
    return PreparedSet.load(folder)
