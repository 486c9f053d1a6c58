"""Job: a training that any process can do."""

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from goldfold.config import Config, parse_config
from goldfold.identity import training_key
from goldfold.prepare import PreparedSet
from goldfold.training.device import machine
from goldfold.training.reporter import Reporter
from goldfold.training.stopping import Stop
from goldfold.training.train import train_fold


@dataclass(frozen=True)
class Job:
    """A fold and a seed, the prepared set to learn from, all settings as JSON, where the FoldResult goes, and its identity.

    A refit has the fold REFIT, and a length.
    """

    name: str
    fold: int
    seed: int
    prepared: Path
    settings: str
    folder: Path
    scratch: Path
    key: str
    length: int | None = None

    def run(self, reporter: Reporter, stop: Stop) -> None:
        """Train, alone or as one of the ranks; raises as train_fold does."""
        args = (self.fold, self.seed, self.config(), self.folder, reporter, self.scratch, stop)
        train_fold(_read(self.prepared), *args, length=self.length)

    def config(self) -> Config:
        """Return the settings."""
        return parse_config(json.loads(self.settings))

    def key_here(self) -> str:
        """Return the identity that the training has in this process."""
        return training_key(_read(self.prepared), self.fold, self.seed, self.config(), machine(), self.length)


@lru_cache(maxsize=1)
def _read(folder: Path) -> PreparedSet:
    return PreparedSet.load(folder)
