"""Kinds of input. A new one is one module here that has the functions of `Modality`."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from goldfold.config import Component, ModelConfig
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part

Key = tuple[int, int]
"""What a sampler yields: the epoch and the row. With the seed, they decide every random choice of a sample."""

Inputs = dict[str, torch.Tensor]
"""The model's keyword arguments for one batch."""


class View(Protocol):
    """The rows of one table as a model sees them, a batch at a time."""

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        """Return the rows' numbers, (b,) int64, and their inputs, each (b, …)."""


class Modality(Protocol):
    """One kind of input: what its views are, and which model reads them.

    A model's `backbone` and `head` are its parts that finetune knows; its `features`, where it has them, make of the inputs
    what the head reads; its `depths` and `no_weight_decay`, where it has them, say how deep a parameter lies and which ones
    take no weight decay.
    """

    def input_spec(self, model: ModelConfig, prepared: PreparedSet) -> dict[str, Any]:
        """Return all that views and model must agree on, as JSON; a checkpoint keeps it."""

    def training_view(
        self, prepared: PreparedSet, spec: Mapping[str, Any], augment: Sequence[Component], seed: int, epochs: int
    ) -> View:
        """Return the training table as the model learns from it, augmented."""

    def plain_view(self, prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> View:
        """Return a table as the model is judged on it and predicts it; for test-time augmentation, each row changed."""

    def read_file(self, data: bytes, spec: Mapping[str, Any]) -> Inputs:
        """Return one file's content as a batch of one, as the plain view would show it; raises ValueError."""

    def mixed(self, inputs: Inputs, target: torch.Tensor, mix: Callable[..., Any]) -> tuple[Inputs, torch.Tensor]:
        """Return the batch with its inputs and targets, (b, outputs) float32, mixed by a transform of torchvision."""

    def build_model(
        self,
        model: ModelConfig,
        spec: Mapping[str, Any],
        outputs: int,
        pretrained: bool,
        noted: Callable[[str], None] = lambda _: None,
    ) -> nn.Module:
        """Return the network, from Inputs to logits (b, outputs) float32; `noted` hears what was decided on the way."""


def find_modality(name: str) -> Modality:
    """Return the module goldfold.modalities.`name`."""
    module: Any = importlib.import_module(f"goldfold.modalities.{name}")
    return module  # type: ignore[no-any-return]
