"""Where the network of the first kind of input looks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Saliency


@dataclass(frozen=True)
class Joined:
    """Several kinds of input, by name, as one; see protocol.Saliency."""

    parts: Sequence[tuple[str, Saliency]]

    def heat_maps(self, model: Any, inputs: Inputs, directions: torch.Tensor, within: nn.Module | None = None) -> Array | None:
        """Return the heat maps of the first kind."""
        name, first = self.parts[0]
        return first.heat_maps(model, inputs, directions, model.backbone[name])


joined = Joined
