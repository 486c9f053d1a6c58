"""Where the rows come from that are predicted: the prepared set, or outside the competition."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from goldfold.config import Component
from goldfold.imports import modality_part
from goldfold.metrics import Array
from goldfold.modalities.frozen import FrozenModel
from goldfold.modalities.protocol import Outside, View
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import LEFT_OUT, Part
from goldfold.training import FoldResult
from goldfold.training.device import Compute
from goldfold.training.features import FeatureTable, features_key
from goldfold.training.frozen import plain_name, table_folder


class Source(Protocol):
    """Rows to predict, by their numbers in a view."""

    @property
    def rows(self) -> Array:
        """The numbers of the rows, (n,)."""

    @property
    def together(self) -> Array:
        """The numbers of the rows that a frozen network reads at once, (n,), before those that it still lacks of `rows`."""

    def view(self, checkpoint: FoldResult, change: Component | None) -> View:
        """Return the rows as a checkpoint's model reads them; for test-time augmentation, each row changed."""

    def features(
        self, checkpoint: FoldResult, model: FrozenModel, change: Component | None, batch_size: int, compute: Compute
    ) -> FeatureTable:
        """Return the features of the rows by the model's frozen network, which checkpoints of the same network share."""


@dataclass(frozen=True)
class PreparedRows:
    """Rows of the training or the test table of a prepared set, by default all of them.

    In `scratch` features of frozen networks are kept, from the training on; without it each checkpoint computes them anew.
    """

    prepared: PreparedSet
    part: Part
    chosen: Array | None = None
    scratch: Path | None = None

    @property
    def rows(self) -> Array:
        """The numbers of the rows in their table, (n,)."""
        return np.arange(len(self.prepared.table(self.part))) if self.chosen is None else self.chosen

    @property
    def together(self) -> Array:
        """The rows of the whole table that are trained on, validated or predicted, as in training."""
        return np.flatnonzero(self.prepared.folds != LEFT_OUT) if self.part == "train" else np.arange(len(self.prepared.test))

    def features(
        self, checkpoint: FoldResult, model: FrozenModel, change: Component | None, batch_size: int, compute: Compute
    ) -> FeatureTable:
        """Return the table's features, those of the training if they are kept."""
        folder = table_folder(self.scratch, model, self.prepared.fingerprint, compute)
        rows, name = len(self.prepared.table(self.part)), plain_name(self.part, batch_size, change)
        return FeatureTable(rows, model.num_features, folder, name)

    def view(self, checkpoint: FoldResult, change: Component | None) -> View:
        """Return the table as the model reads it; raises InputError for a checkpoint of another prepared set."""
        checkpoint.require_prepared(self.prepared)
        return checkpoint.modality.plain_view(self.prepared, self.part, checkpoint.spec, change)


@dataclass(frozen=True)
class OutsideRows:
    """Rows from outside the competition, a table as its kind of input takes it.

    After a prediction, `unreadable` has the reason for each row that could not be read; what is predicted for it means nothing.
    """

    table: pd.DataFrame
    unreadable: dict[int, str] = field(default_factory=dict)
    read: dict[tuple[str, str], FeatureTable] = field(default_factory=dict, repr=False)

    @property
    def rows(self) -> Array:
        """The positions of the rows, (n,)."""
        return np.arange(len(self.table))

    @property
    def together(self) -> Array:
        """All rows."""
        return self.rows

    def features(
        self, checkpoint: FoldResult, model: FrozenModel, change: Component | None, batch_size: int, compute: Compute
    ) -> FeatureTable:
        """Return the rows' features, in memory."""
        key = features_key(model.network, model.spec, str(compute)), plain_name("outside", batch_size, change)
        return self.read.setdefault(key, FeatureTable(len(self.table), model.num_features, None, ""))

    def view(self, checkpoint: FoldResult, change: Component | None) -> View:
        """Return the rows as the model reads them; raises InputError for columns that are missing."""
        outside: Outside = modality_part(checkpoint.codec.problem.modality, "outside")
        return outside.outside_view(self.table, checkpoint.spec, change, self.unreadable)
