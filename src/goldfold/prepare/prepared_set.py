"""PreparedSet: the competition, ready for training."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.files import read_json, read_parquet, write_json, written_by_this_version
from goldfold.metrics import Array
from goldfold.schema import Schema

Part = Literal["train", "test"]
TABLES = ("train", "test", "sample_submission", "folds")
ALWAYS = -1
"""The fold of rows that are trained on in every fold, and never validated."""
LEFT_OUT = ALWAYS - 1
"""The fold of rows that are neither trained on nor validated."""


@dataclass(frozen=True)
class PreparedSet:
    """Tables and folds, one row of `folds` per row of `train`, and what the kind of input keeps beside them in `folder`.

    Files: train.parquet, test.parquet, sample_submission.parquet, folds.parquet, prepared.json (the problem, the schema by which
    the tables were read, and the rest of this class), summary.json (counts for people, see `summarize`), and those of the kind
    of input, such as the image cache. With `in_time` a fold trains only on the folds before it. `inputs` is a hash of what the
    kind of input keeps, and `fingerprint` one of the whole set.
    `weights` says how much each training row counts, (n,) float64; None where all count alike. `own` are the import paths of the
    competitor's own code that training calls for the inputs.
    """

    folder: Path

    problem: Problem
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    folds: Array
    in_time: bool
    inputs: str
    fingerprint: str
    schema: Schema = field(default_factory=Schema)
    weights: Array | None = None
    own: tuple[str, ...] = ()

    def save(self, folder: Path) -> None:
        """Write the tables and JSON to `folder`, where the kind of input has written its files."""
        self.train.to_parquet(folder / "train.parquet")
        self.test.to_parquet(folder / "test.parquet")
        self.sample.to_parquet(folder / "sample_submission.parquet")
        ids = self.train[self.problem.id]
        weights = {} if self.weights is None else {"weight": self.weights}
        pd.DataFrame({"id": ids, "fold": self.folds, **weights}).to_parquet(folder / "folds.parquet")
        card = {
            "problem": self.problem.to_json(),
            "schema": self.schema.to_json(),
            "in_time": self.in_time,
            "inputs": self.inputs,
            "fingerprint": self.fingerprint,
            "own": self.own,
        }
        write_json(folder / "prepared.json", card)

    @classmethod
    def load(cls, folder: Path) -> "PreparedSet":
        """Read what `save` wrote; the pixels stay on disk."""
        if not (folder / "prepared.json").is_file():
            raise InputError(f"there is no prepared set in {folder}", mend="run `dvc repro prepare` first")
        with written_by_this_version(f"the prepared set in {folder}", "run `dvc repro prepare`"):
            card = read_json(folder / "prepared.json")
            problem = Problem.from_json(card.pop("problem"))
            schema = Schema.from_json(card.pop("schema"))
            own = tuple(card.pop("own", ()))
            train, test, sample, folds = (read_parquet(folder / f"{name}.parquet") for name in TABLES)
            weights = folds["weight"].to_numpy() if "weight" in folds else None
            return cls(
                folder, problem, train, test, sample, folds["fold"].to_numpy(), schema=schema, weights=weights, own=own, **card
            )

    @staticmethod
    def problem_in(folder: Path) -> Problem | None:
        """Read the problem alone, without the tables; None where there is no prepared set."""
        path = folder / "prepared.json"
        if not path.is_file():
            return None
        with written_by_this_version(f"the prepared set in {folder}", "run `dvc repro prepare`"):
            return Problem.from_json(read_json(path)["problem"])

    def table(self, part: Part) -> pd.DataFrame:
        """The training or the test table."""
        return self.train if part == "train" else self.test

    def training_rows(self, fold: int) -> Array:
        """The rows that a fold trains on."""
        others = (self.folds < fold) if self.in_time else (self.folds != fold)
        return np.flatnonzero(others & (self.folds >= ALWAYS))

    def groups(self, column: str | None) -> pd.Series | None:
        """The group of each training row, by its id; None without a column of groups."""
        return self.train[column].set_axis(self.train[self.problem.id]) if column else None

    def split_digest(self) -> str:
        """A hash of which row is in which fold."""
        digest = hashlib.blake2b(pd.util.hash_pandas_object(self.train[self.problem.id]).to_numpy().tobytes(), digest_size=8)
        digest.update(self.folds.tobytes())
        return digest.hexdigest()

    def validation_rows(self, fold: int) -> Array:
        """The rows that a fold is validated on."""
        return np.flatnonzero(self.folds == fold)
