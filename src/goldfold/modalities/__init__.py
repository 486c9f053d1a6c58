"""Kinds of input. A new one is one module here that has the functions of `Modality`."""

import importlib
from collections.abc import Mapping, Sequence
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
    """One kind of input: what its views are, and which model reads them."""

    def input_spec(self, model: ModelConfig) -> dict[str, Any]:
        """Return all that views and model must agree on, as JSON; a checkpoint keeps it."""

    def training_view(self, prepared: PreparedSet, spec: Mapping[str, Any], augment: Sequence[Component], seed: int) -> View:
        """Return the training table as the model learns from it, augmented."""

    def plain_view(self, prepared: PreparedSet, part: Part, spec: Mapping[str, Any]) -> View:
        """Return a table as the model is judged on it and predicts it."""

    def build_model(self, model: ModelConfig, spec: Mapping[str, Any], outputs: int, pretrained: bool) -> nn.Module:
        """Return the network, from Inputs to logits (b, outputs) float32."""


def find_modality(name: str) -> Modality:
    """Return the module goldfold.modalities.`name`."""
    module: Any = importlib.import_module(f"goldfold.modalities.{name}")
    return module  # type: ignore[no-any-return]
