"""Where the rows come from that are predicted: the prepared set, or outside the competition."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from goldfold.config import Component
from goldfold.imports import modality_part
from goldfold.metrics import Array
from goldfold.modalities.protocol import Outside, View
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part
from goldfold.training import FoldResult


class Source(Protocol):
    """Rows to predict, by their numbers in a view."""

    @property
    def rows(self) -> Array:
        """The numbers of the rows, (n,)."""

    def view(self, checkpoint: FoldResult, change: Component | None) -> View:
        """Return the rows as a checkpoint's model reads them; for test-time augmentation, each row changed."""


@dataclass(frozen=True)
class PreparedRows:
    """Rows of the training or the test table of a prepared set, by default all of them."""

    prepared: PreparedSet
    part: Part
    chosen: Array | None = None

    @property
    def rows(self) -> Array:
        """The numbers of the rows in their table, (n,)."""
        return np.arange(len(self.prepared.table(self.part))) if self.chosen is None else self.chosen

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

    @property
    def rows(self) -> Array:
        """The positions of the rows, (n,)."""
        return np.arange(len(self.table))

    def view(self, checkpoint: FoldResult, change: Component | None) -> View:
        """Return the rows as the model reads them; raises InputError for columns that are missing."""
        outside: Outside = modality_part(checkpoint.codec.problem.modality, "outside")
        return outside.outside_view(self.table, checkpoint.spec, change, self.unreadable)
