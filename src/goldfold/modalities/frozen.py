"""Frozen networks under an estimator: pretrained networks whose features it reads, with the columns of a table beside them."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import Component
from goldfold.imports import called
from goldfold.metrics import Array
from goldfold.modalities.estimator import Estimator, find_model
from goldfold.modalities.protocol import Inputs, Spec

FEATURES = "features"
"""The input that holds features which were computed before."""


def defaults(name: str, problem: Problem) -> dict[str, Any]:
    """Return arguments of an estimator for features whose squares sum to 1 on average, however many they are.

    They were chosen on five sets of photos by the folds' scores; the rows of a class are fewer where there are many classes.
    """
    if name == "LogisticRegression":
        return {"C": 5.0 * max(2, len(problem.classes) if problem.is_exclusive else 0), "max_iter": 1000}
    return {"alpha": 1.0} if name == "Ridge" else {}


class SideBySide(nn.Module):
    """Networks by name, whose features are joined, (b, features); each reads its own of the inputs."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(networks)
        self.num_features = sum(width_of(network) for network in networks.values())

    def features(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Return the features of all networks side by side."""
        parts = [features_of(network)(**own_of(network, inputs)).float() for network in self.networks.values()]
        return torch.cat(parts, dim=1)


def features_of(network: nn.Module) -> Callable[..., torch.Tensor]:
    """Return the function of a network that computes its features."""
    features: Callable[..., torch.Tensor] = network.features  # type: ignore[assignment]
    return features


def width_of(network: nn.Module) -> int:
    """Return how many features a network has."""
    width: int = network.num_features  # type: ignore[assignment]
    return width


def reads(network: nn.Module) -> list[str]:
    """Return the names of the inputs that a network reads."""
    if isinstance(network, SideBySide):
        return list(dict.fromkeys(name for one in network.networks.values() for name in reads(one)))
    return list(inspect.signature(features_of(network)).parameters)


def own_of(network: nn.Module, inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return those of the inputs that a network reads; some of them it can do without."""
    return {name: inputs[name] for name in reads(network) if name in inputs}


class FrozenModel(Estimator):
    """An estimator on the features of a frozen network and on `columns` beside them, from inputs to logits (b, outputs).

    The features are centred and divided by the roots of their deviations in the rows that it was fitted to, such that their
    squares sum to 1 on average (Pareto scaling: what varies more keeps some of its weight); they are
    computed from the inputs, or given as the input `features`, (b, features). `spec` is what they depend on beside the network,
    and `views` the number of views of each row that it is fitted to: as it is, and augmented.
    """

    center: torch.Tensor
    scale: torch.Tensor

    def __init__(
        self,
        network: nn.Module,
        estimator: Component,
        problem: Problem,
        spec: Spec,
        views: int = 1,
        columns: Sequence[Estimator] = (),
    ) -> None:
        found = find_model(estimator.name, problem)
        args = {**defaults(found.__name__, problem), **estimator.args}
        super().__init__(called(found, "model.estimator", **args), problem)
        self.network = network.requires_grad_(False)
        self.num_features = width_of(network)
        self.spec, self.views = spec, views
        # Not a module of this one: columns have no state beside the spec.
        self.columns = tuple(columns)
        self.register_buffer("center", torch.zeros(self.num_features))
        self.register_buffer("scale", torch.ones(self.num_features))

    @property
    def reads(self) -> list[str]:
        """The inputs that the network reads."""
        return reads(self.network)

    def features(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Return what the network makes of its inputs, (b, features)."""
        return features_of(self.network)(**own_of(self.network, inputs)).float()

    def matrix(self, inputs: Inputs) -> Array:
        """Return the columns, then the scaled features, (b, columns + features) float32."""
        scaled = (inputs[FEATURES] - self.center.cpu()) * self.scale.cpu()
        beside = [columns.matrix(inputs) for columns in self.columns]
        return np.hstack([part.toarray() if hasattr(part, "toarray") else part for part in (*beside, scaled.numpy())])

    def fit(
        self,
        inputs: Inputs,
        target: torch.Tensor,
        weight: Array | None,
        seed: int,
        held_back: Array | None = None,
        rounds: int | None = None,
    ) -> None:
        """Learn the scale of the features, and fit the estimator; raises InputError where it refuses."""
        features = inputs[FEATURES]
        deviation = features.std(dim=0, correction=0)
        self.center.copy_(features.mean(dim=0))
        self.scale.copy_(torch.where(deviation > 0, (deviation * deviation.sum()).rsqrt(), 0.0))
        super().fit(inputs, target, weight, seed, held_back, rounds)

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        if FEATURES in inputs:
            return super().forward(**inputs)
        beside = {name: tensor for name, tensor in inputs.items() if name not in self.reads}
        return super().forward(**{FEATURES: self.features(**inputs), **beside})
