"""PreparedSet: the competition as training reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.metrics import Array
from goldfold.prepare.image_cache import ImageCache

Part = Literal["train", "test"]


@dataclass(frozen=True)
class PreparedSet:
    """Tables, folds and the image cache, one row of `folds` per row of `train`.

    Files: train.parquet, test.parquet, sample_submission.parquet, folds.parquet, the image cache (the training rows'
    images, then the test rows'), prepared.json (the problem and the rest of this class) and summary.json (counts for
    people, see `summarize`). `in_time` says that a fold trains on the folds before it alone. `fingerprint` is a hash of
    everything here.
    """

    problem: Problem
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    folds: Array
    in_time: bool
    images: ImageCache | None
    fingerprint: str

    def save(self, folder: Path) -> None:
        """Write the tables and JSON beside the image cache, which is in `folder` already."""
        folder.mkdir(parents=True, exist_ok=True)
        self.train.to_parquet(folder / "train.parquet")
        self.test.to_parquet(folder / "test.parquet")
        self.sample.to_parquet(folder / "sample_submission.parquet")
        ids = self.train[self.problem.id]
        pd.DataFrame({"id": ids, "fold": self.folds}).to_parquet(folder / "folds.parquet")
        card = {"problem": self.problem.to_json(), "in_time": self.in_time, "fingerprint": self.fingerprint}
        write_json(folder / "prepared.json", card)

    @classmethod
    def load(cls, folder: Path) -> "PreparedSet":
        """Read what `save` wrote; the pixels stay on disk."""
        if not (folder / "prepared.json").is_file():
            raise InputError(f"there is no prepared set in {folder}", mend="run `dvc repro prepare` first")
        card = read_json(folder / "prepared.json")
        return cls(
            problem=Problem.from_json(card["problem"]),
            train=pd.read_parquet(folder / "train.parquet"),
            test=pd.read_parquet(folder / "test.parquet"),
            sample=pd.read_parquet(folder / "sample_submission.parquet"),
            folds=pd.read_parquet(folder / "folds.parquet")["fold"].to_numpy(),
            in_time=card["in_time"],
            images=ImageCache.load(folder) if (folder / "images.parquet").is_file() else None,
            fingerprint=card["fingerprint"],
        )

    def table(self, part: Part) -> pd.DataFrame:
        """The training or the test table."""
        return self.train if part == "train" else self.test

    def image(self, part: Part, row: int) -> Array:
        """The cached image of a row, (height, width, channels) uint8."""
        assert self.images is not None
        return self.images[row if part == "train" else len(self.train) + row]

    def training_rows(self, fold: int) -> Array:
        """The rows that a fold's model learns from."""
        return np.flatnonzero((self.folds < fold) if self.in_time else (self.folds != fold))

    def validation_rows(self, fold: int) -> Array:
        """The rows that a fold's model is judged on."""
        return np.flatnonzero(self.folds == fold)
