"""What a model sees of several kinds of input, and the model that joins their features."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.estimator import Estimator
from goldfold.modalities.frozen import FrozenModel, SideBySide, features_of, own_of, width_of
from goldfold.modalities.fused.settings import FusedModelConfig
from goldfold.modalities.head import build_head
from goldfold.modalities.protocol import Inputs, Key, Learning, Spec, View
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part


class FusedView:
    """The inputs of several views of the same rows."""

    def __init__(self, views: Sequence[View]) -> None:
        self.views = views
        self.lengths = next((view.lengths for view in views if view.lengths is not None), None)

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        parts = [view.__getitems__(keys) for view in self.views]
        return parts[0][0], {name: tensor for _, inputs in parts for name, tensor in inputs.items()}

    def without(self, inputs: Collection[str]) -> "FusedView":
        """Return the views of the kinds that have none of these inputs."""
        return FusedView([view for view in self.views if not set(view.__getitems__([(0, 0)])[1]) & set(inputs)])


class FusedModel(nn.Module):
    """A network for each kind of input and one head on their concatenated features, to logits (b, outputs)."""

    def __init__(self, parts: Mapping[str, nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.backbone = nn.ModuleDict(parts)
        # The features of one network may be many times as large as those of another.
        self.norms = nn.ModuleDict({name: nn.LayerNorm(width_of(part)) for name, part in parts.items()})
        self.head = head
        self.num_features = sum(width_of(part) for part in parts.values())

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(**inputs))
        return logits

    def features(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Return what the head reads, (b, features)."""
        read = {name: features_of(part)(**own_of(part, inputs)) for name, part in self.backbone.items()}
        return torch.cat([self.norms[name](features.float()) for name, features in read.items()], dim=1)

    def depths(self, coarse: bool) -> dict[str, int]:
        """Return how deep each parameter of the pretrained networks lies; other networks are trained as the head is."""
        below: dict[str, int] = {}
        for name, part in self.backbone.items():
            own: Any = getattr(part, "depths", None)
            depths = own(coarse) if own else {}
            # The last layers of all networks lie at the same depth.
            last = max(depths.values(), default=0)
            below |= {f"backbone.{name}.{parameter}": depth - last for parameter, depth in depths.items()}
        lowest = min(below.values(), default=0)
        return {parameter: depth - lowest for parameter, depth in below.items()}

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that the networks' authors exempt from weight decay."""
        exempt = {name: getattr(part, "no_weight_decay", set) for name, part in self.backbone.items()}
        return {f"backbone.{name}.{parameter}" for name, parameters in exempt.items() for parameter in parameters()}


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Learning."""

    parts: Sequence[tuple[str, Learning]]

    def input_spec(self, model: FusedModelConfig, prepared: PreparedSet, rows: Array) -> Spec:
        """Return the spec of each kind, under its name."""
        return {name: part.input_spec(getattr(model, name), prepared, rows) for name, part in self.parts}

    def training_view(
        self, prepared: PreparedSet, rows: Array, spec: Spec, augment: Sequence[Component], seed: int, epochs: int
    ) -> FusedView:
        """Return the views of all kinds, the first of them augmented."""
        (first, leading), *others = self.parts
        views = [leading.training_view(prepared, rows, spec[first], augment, seed, epochs)]
        return FusedView([*views, *(part.training_view(prepared, rows, spec[name], (), seed, epochs) for name, part in others)])

    def plain_view(self, prepared: PreparedSet, part: Part, spec: Spec, change: Component | None = None) -> FusedView:
        """Return the views of all kinds, the first of them changed."""
        (first, leading), *others = self.parts
        views = [leading.plain_view(prepared, part, spec[first], change)]
        return FusedView([*views, *(other.plain_view(prepared, part, spec[name]) for name, other in others)])

    def build_model(
        self,
        model: FusedModelConfig,
        spec: Spec,
        problem: Problem,
        pretrained: bool,
        note: Callable[[str], None] = lambda _: None,
    ) -> FusedModel | FrozenModel:
        """Build the network of each kind, and the head or estimator on their features.

        Raises InputError for a model without features, and below an estimator for a network that is not pretrained.
        """
        if model.reader:
            return self._frozen(model, model.reader, spec, problem, pretrained, note)
        parts: dict[str, nn.Module] = {}
        for name, part in self.parts:
            config = getattr(model, name)
            built: Any = part.build_model(config, spec[name], problem, pretrained and config.starts_pretrained, note)
            if not hasattr(built, "features"):
                raise InputError(
                    f"params.yaml, model.{name}: {config.name} has no features to be joined with others",
                    mend="choose a network that goldfold builds, or give your own module features() and num_features",
                )
            built.head = nn.Identity()
            parts[name] = built
        return FusedModel(parts, build_head(model.head, sum(map(width_of, parts.values())), len(problem.outputs)))

    def _frozen(
        self,
        model: FusedModelConfig,
        reader: Component,
        spec: Spec,
        problem: Problem,
        pretrained: bool,
        note: Callable[[str], None],
    ) -> FrozenModel:
        """Build an estimator on the features of the pretrained networks, beside the columns of the other kinds."""
        frozen: dict[str, FrozenModel] = {}
        columns: list[Estimator] = []
        for name, part in self.parts:
            config = getattr(model, name)
            built = part.build_model(
                config.beside_features(reader), spec[name], problem, pretrained and config.starts_pretrained, note
            )
            if isinstance(built, FrozenModel):
                frozen[name] = built
            elif isinstance(built, Estimator):
                columns.append(built)
            else:
                raise InputError(
                    f"params.yaml, model.{name}: {config.name} is not pretrained, so its features would be random",
                    mend="start it from pretrained weights, choose an estimator in its place, or leave out estimator",
                )
        network = SideBySide({name: part.network for name, part in frozen.items()})
        read = {name: part.spec for name, part in frozen.items()}
        views = max(part.views for part in frozen.values())
        return FrozenModel(network, reader, problem, read, views, columns)


joined = Joined
