"""Averages of the weights over the training, which are validated and kept instead of the last weights."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from goldfold.config import AverageConfig


class WeightAverage:
    """The average that train.average asks for; without one, the model itself."""

    def __init__(self, config: AverageConfig | None, model: nn.Module) -> None:
        self.config, self.model = config, model
        self.steps = 0
        self.average: Any = None
        if config and config.name == "ema":
            from timm.utils import ModelEmaV3

            self.average = ModelEmaV3(model, decay=config.decay, use_warmup=True)
        elif config:
            # Buffers are the statistics of batch norms.
            self.average = AveragedModel(model, multi_avg_fn=_add_to_mean, use_buffers=True)

    def judged(self, epoch: int) -> nn.Module:
        """Return the model to evaluate and keep after `epoch`."""
        if self.config is None or epoch < self.config.start:
            return self.model
        module: nn.Module = self.average.module
        return module

    def step_ended(self, epoch: int) -> None:
        """Update the average after a step of the optimiser."""
        if self.config and self.config.name == "ema":
            self.steps = self.steps + 1 if epoch >= self.config.start else 0
            self.average.update(self.model, step=self.steps)

    def epoch_ended(self, epoch: int) -> None:
        """Update the average after an epoch."""
        if self.config and self.config.name == "swa" and epoch >= self.config.start:
            self.average.update_parameters(self.model)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {"steps": self.steps, "average": self.average.state_dict()} if self.average is not None else {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned."""
        if self.average is not None:
            self.steps = state["steps"]
            self.average.load_state_dict(state["average"])


@torch.no_grad()
def _add_to_mean(means: Iterable[torch.Tensor], values: Iterable[torch.Tensor], count: torch.Tensor | int) -> None:
    """Add values to the means of `count` earlier ones; whole numbers, as of the batches that a norm has seen, are the last ones.

    torch's own fails on a GPU where there are whole numbers.
    """
    share = 1 / (int(count) + 1)
    for mean, value in zip(means, values, strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, share)
        else:
            mean.copy_(value)
