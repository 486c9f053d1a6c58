"""What the modules of a kind of input define."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import torch
from torch import nn

from goldfold.competition import Competition, Problem
from goldfold.competition.file_kind import FileKind
from goldfold.config import Component, ModelConfig, PrepareConfig
from goldfold.imports import modality_part
from goldfold.metrics import Array
from goldfold.prepare import Gathered, PreparedSet, RowFacts, Shown
from goldfold.prepare.preparation import Progress
from goldfold.prepare.prepared_set import Part

Key = tuple[int, int]
"""What a sampler yields: the epoch and the row. With the seed, they decide every random choice of a sample."""

Inputs = dict[str, torch.Tensor]
"""The model's keyword arguments for one batch. A view of dense targets adds what is no argument: TARGET and SIZE."""

TARGET, SIZE = "target", "size"
"""The targets that a view changes with its inputs, (b, outputs, height, width), such as masks; and the height and width of the
whole inputs, (b, 2), that predictions of them are for."""


def apart(batch: Inputs) -> tuple[Inputs, Inputs]:
    """Return the model's arguments of a batch, and what a view adds to them."""
    return (
        {name: tensor for name, tensor in batch.items() if name not in (TARGET, SIZE)},
        {name: tensor for name, tensor in batch.items() if name in (TARGET, SIZE)},
    )


Spec = Mapping[str, Any]
"""All that views and model must agree on, as JSON; a checkpoint keeps it."""


class Settings(Protocol):
    """settings.py: what params.yaml says about a kind of input."""

    MODEL: type[ModelConfig]
    PREPARE: type[PrepareConfig]


class Prepare(Protocol):
    """prepare.py: what the prepared set keeps."""

    def gather(self, competition: Competition, config: Any, folder: Path, progress: Progress, scratch: Path | None) -> Gathered:
        """Read what the competition ships of this kind, training rows first, and write what training reads to `folder`.

        Raises InputError for what cannot be read.
        """


class View(Protocol):
    """The rows of one table as a model sees them, a batch at a time."""

    lengths: Array | None
    """How long the input of each row of the table is, (rows,), where inputs of a batch are padded to the longest of them."""

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        """Return the rows' numbers, (b,) int64, and their inputs, each (b, …)."""


class DenseView(View, Protocol):
    """A view of rows whose targets have a value for each place of the input, as masks have; its batches hold SIZE, and TARGET
    where the targets are known."""

    def undone(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps, (b, outputs, height, width), of rows that were changed as maps of the rows as they are."""


class Learning(Protocol):
    """learning.py: the views of the rows, and the model that reads them.

    Fine-tuning tells a model's `backbone` from its `head`. A model may have `features`, which computes from the inputs what the
    head reads, `num_features` wide, `depths`, how deep each parameter lies, and `no_weight_decay`, which parameters are exempt.
    A model with `fit` is fitted once instead of trained; see `estimator.Estimator`.
    """

    def input_spec(self, model: Any, prepared: PreparedSet, rows: Array) -> Spec:
        """Return the spec, learned from these rows of the training table alone."""

    def training_view(
        self, prepared: PreparedSet, rows: Array, spec: Spec, augment: Sequence[Component], seed: int, epochs: int
    ) -> View:
        """Return the training table as the model learns from its `rows`, augmented.

        With pseudo-labels the rows of the test table follow those of the training table in `prepared`.
        """

    def plain_view(self, prepared: PreparedSet, part: Part, spec: Spec, change: Component | None = None) -> View:
        """Return a table as the model is judged on it and predicts it; for test-time augmentation, each row changed."""

    def build_model(
        self, model: Any, spec: Spec, problem: Problem, pretrained: bool, note: Callable[[str], None] = lambda _: None
    ) -> nn.Module:
        """Return the model, from Inputs to logits (b, outputs) float32; `note` is called with each message for people."""


class Outside(Protocol):
    """outside.py: rows from outside the competition."""

    def read_files(self, paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
        """Return the rows of files, folders, or tables with or without a header; the index names each row for people."""

    def test_rows(self, competition: Competition) -> pd.DataFrame:
        """Return a competition's test rows as such a table."""

    def outside_view(self, table: pd.DataFrame, spec: Spec, change: Component | None, unreadable: dict[int, str]) -> View:
        """Return such rows as the plain view would show them; for test-time augmentation, each row changed.

        A row that cannot be read is shown as a blank one, and `unreadable` gets the reason. Raises InputError where a column is
        missing.
        """

    def outside_columns(self, spec: Spec) -> dict[str, str]:
        """Return the columns of such a table, by name, each with its type in MLflow."""

    def describe(self, spec: Spec) -> dict[str, Any]:
        """Return what a program without goldfold needs to make the model's input, as JSON."""


class Files(Protocol):
    """files.py: the files that rows have, one each."""

    FILES: FileKind


class Augmentation(Protocol):
    """augmentation.py: transforms by their name in a library, for a kind whose settings leave the names to it."""

    def build_augmentation(self, components: Sequence[Component], channels: int = 3, section: str = "augment") -> Any:
        """Build the transforms of a section of params.yaml; raises InputError for an unknown name or argument."""


class Alike(Protocol):
    """alike.py: duplicate rows."""

    def find_alike(self, competition: Competition, config: Any, folder: Path) -> pd.DataFrame:
        """Return the pairs of equal or nearly equal rows, with `prepare.duplicates.COLUMNS`.

        Of several equal rows, each but the first is paired once.
        """


class Facts(Protocol):
    """facts.py: facts for the audit, beside the columns of the tables."""

    def row_facts(self, competition: Competition, folder: Path) -> RowFacts:
        """Return facts about each row, training rows first."""


class Showing(Protocol):
    """shown.py: rows as people see them."""

    def show_rows(self, prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
        """Return these rows of a table as people see them; with a spec, no more of a picture than a model of it sees."""


class Saliency(Protocol):
    """saliency.py: where a network looks."""

    def heat_maps(
        self, model: nn.Module, inputs: Inputs, directions: torch.Tensor, within: nn.Module | None = None
    ) -> Array | None:
        """Return how much each part of the pictures adds to the sum of the logits weighted by `directions`, (b, outputs).

        The maps are (b, height, width) float32 from 0 to 1; None for a network without a feature map. `within` is the part of a
        fused model that reads the pictures.
        """


def find_learning(name: str) -> Learning:
    """Return the views and models of the kind of input `name`."""
    learning: Learning = modality_part(name, "learning")
    return learning
