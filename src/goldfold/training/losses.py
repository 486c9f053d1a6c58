"""Losses, by their names in params.yaml, and those that neither torch nor timm has."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from goldfold.config import Component, Task, TrainConfig
from goldfold.errors import InputError
from goldfold.imports import called, named
from goldfold.training.mask_losses import SOURCES

DEFAULT_LOSS: dict[Task, str] = {
    "binary": "BCEWithLogitsLoss",
    "multilabel": "BCEWithLogitsLoss",
    "multiclass": "CrossEntropyLoss",
    "regression": "MSELoss",
    "masks": "DiceBCELoss",
}
OF_PROBABILITIES = {
    "NLLLoss": "CrossEntropyLoss",
    "NLLLoss2d": "CrossEntropyLoss",
    "KLDivLoss": "CrossEntropyLoss, which takes shares of classes too",
    "BCELoss": "BCEWithLogitsLoss",
}
"""Losses of torch that take probabilities or their logarithms, and what does the same with logits."""
WEIGHTED_BY = ("pos_weight", "weight")


def build_loss(config: TrainConfig, task: Task, class_weights: torch.Tensor | None = None) -> nn.Module:
    """Build the loss, from logits (b, outputs) and encoded targets to the mean over the batch.

    `class_weights`, (classes,) or (labels,), become its argument `pos_weight` if it has one, else `weight`.
    """
    component = config.loss or Component(name=DEFAULT_LOSS[task])
    fitting = (DEFAULT_LOSS[task], "BCEWithLogitsLoss") if task == "masks" else (DEFAULT_LOSS[task],)
    of_classes = component.name == "FocalLoss" and task == "regression"
    if of_classes or (component.name in ("BCEWithLogitsLoss", "CrossEntropyLoss") and component.name not in fitting):
        # These would train without an error and learn nothing.
        raise InputError(
            f"params.yaml, train.loss: {component.name} does not fit a {task} task",
            mend=f"leave train.loss out, which is {DEFAULT_LOSS[task]}, or correct competition.task",
        )
    if component.name in OF_PROBABILITIES:
        raise InputError(
            f"params.yaml, train.loss: {component.name} takes (log-)probabilities, and networks here give logits",
            mend=f"use {OF_PROBABILITIES[component.name]}",
        )
    factory = named(component.name, SOURCES, "train.loss.name")
    if _is_function_of_targets(factory):
        return FunctionLoss(factory, component.args)
    takes = inspect.signature(factory).parameters
    options: dict[str, Any] = {"exclusive": task == "multiclass"} if "exclusive" in takes else {}
    if class_weights is not None:
        accepted = [name for name in WEIGHTED_BY if name in takes]
        if not accepted:
            raise InputError(
                f"params.yaml, train.class_weights: {component.name} has no argument for them",
                mend=f"use {DEFAULT_LOSS[task]} or FocalLoss, or train.sampling: balanced",
            )
        options[accepted[0]] = class_weights
    loss: nn.Module = called(factory, "train.loss", **{**options, **component.args})
    return loss


class FunctionLoss(nn.Module):
    """A plain function of (logits, targets), with further arguments, as a loss."""

    def __init__(self, function: Callable[..., torch.Tensor], args: dict[str, Any]) -> None:
        super().__init__()
        self.function, self.args = function, args

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return self.function(logits, target, **self.args)


def _is_function_of_targets(factory: Any) -> bool:
    """Return whether `factory` is the loss itself, a function that requires two arguments, rather than a class or factory."""
    if inspect.isclass(factory):
        return False
    try:
        parameters = list(inspect.signature(factory).parameters.values())[:2]
    except ValueError:
        # A function of torch written in C++.
        return True
    ordered = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len(parameters) == 2 and all(one.kind in ordered and one.default is one.empty for one in parameters)


class FocalLoss(nn.Module):
    """Cross-entropy in which rows count less the surer their prediction is right: the mean of (1 - p)^gamma times the loss.

    Lin et al. 2017, https://arxiv.org/abs/1708.02002. Targets are class indices (b,) int64, or probabilities as wide as
    the logits, (b, outputs) float32. The classes exclude each other if `exclusive` (set for a multiclass task), else each output
    is a label of its own. `weight`, (outputs,), weights the classes, or the positives of each label.
    """

    weight: torch.Tensor | None

    def __init__(self, gamma: float = 2.0, weight: torch.Tensor | None = None, exclusive: bool = True) -> None:
        super().__init__()
        if gamma < 0:
            raise ValueError(f"gamma must be at least 0, not {gamma}")
        self.gamma, self.exclusive = gamma, exclusive
        self.register_buffer("weight", weight)

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        if self.exclusive:
            if not target.is_floating_point():
                target = nn.functional.one_hot(target, logits.shape[1]).to(logits.dtype)
            log = logits.log_softmax(dim=1)
            weight = 1.0 if self.weight is None else self.weight
            return -(weight * target * (1 - log.exp()) ** self.gamma * log).sum(dim=1).mean()
        right, wrong = nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits)
        weight = 1.0 if self.weight is None else self.weight
        positive = weight * target * wrong.exp() ** self.gamma * right
        negative = (1 - target) * right.exp() ** self.gamma * wrong
        return -(positive + negative).mean()
