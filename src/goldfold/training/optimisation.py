"""Loss, optimiser and learning-rate schedule, by the names that params.yaml gives."""

import inspect
from typing import Any

import torch
from torch import nn

from goldfold.config import Component, Task, TrainConfig
from goldfold.errors import InputError
from goldfold.imports import called, named, nearest

DEFAULT_LOSS: dict[Task, str] = {
    "binary": "BCEWithLogitsLoss",
    "multilabel": "BCEWithLogitsLoss",
    "multiclass": "CrossEntropyLoss",
    "regression": "MSELoss",
}


def build_loss(config: TrainConfig, task: Task) -> nn.Module:
    """The loss, from logits (b, outputs) and encoded targets to the mean over the batch."""
    component = config.loss or Component(name=DEFAULT_LOSS[task])
    if component.name in ("BCEWithLogitsLoss", "CrossEntropyLoss") and component.name != DEFAULT_LOSS[task]:
        # Either would train, and learn nothing.
        raise InputError(
            f"params.yaml, train.loss: {component.name} does not fit a {task} task",
            mend=f"leave train.loss out, which is {DEFAULT_LOSS[task]}, or correct competition.task",
        )
    factory = named(component.name, ["torch.nn", "timm.loss"], "train.loss.name")
    loss: nn.Module = called(factory, "train.loss", **component.args)
    return loss


def build_optimizer(config: TrainConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser, by timm's factory: no weight decay on biases and norms. Your own takes (parameters, lr, **args)."""
    component, options = config.optimizer, {"lr": config.lr, "weight_decay": config.weight_decay}
    if ":" in component.name:
        factory = named(component.name, [], "train.optimizer.name")
        own: torch.optim.Optimizer = called(factory, "train.optimizer", model.parameters(), **options, **component.args)
        return own
    from timm.optim import create_optimizer_v2, list_optimizers

    known = list_optimizers()
    name = component.name.lower()
    if name not in known:
        raise InputError(
            f"params.yaml, train.optimizer.name: timm has no optimiser {component.name}{nearest(name, known)}",
            mend=f"give one of {', '.join(known[:12])}, …",
        )
    built: torch.optim.Optimizer = called(create_optimizer_v2, "train.optimizer", model, opt=name, **options, **component.args)
    return built


class Schedule:
    """A scheduler of torch, moved per batch or per epoch as it needs, after a linear warm-up.

    A scheduler that needs its length (total_steps or T_max) and is not given it gets the training's, in batches, and
    moves each batch; every other one moves at each epoch's end. Warm-up holds it still.
    """

    def __init__(self, config: TrainConfig, optimizer: torch.optim.Optimizer, steps_per_epoch: int) -> None:
        component, key = config.scheduler, "train.scheduler"
        factory = named(component.name, ["torch.optim.lr_scheduler"], f"{key}.name")
        self.warmup = round(config.warmup_epochs * steps_per_epoch)
        given = component.args
        accepted = inspect.signature(factory).parameters
        lengths = {"total_steps", "T_max"} & set(accepted)
        self.per_batch = bool(lengths) and not (lengths | {"epochs"}) & set(given)
        if self.per_batch:
            given = {**dict.fromkeys(lengths, config.epochs * steps_per_epoch - self.warmup), **given}
        if "max_lr" in accepted:
            given = {"max_lr": [group["lr"] for group in optimizer.param_groups], **given}
        self.scheduler: Any = called(factory, key, optimizer, **given)
        self.optimizer = optimizer
        self.full = [group["lr"] for group in optimizer.param_groups]
        self.step = 0
        self._warm_up()

    def batch_ended(self) -> None:
        """Move on after an optimiser step."""
        self.step += 1
        if self.step <= self.warmup:
            self._warm_up()
        elif self.per_batch:
            self.scheduler.step()

    def epoch_ended(self, monitored: float) -> None:
        """Move on after an epoch, given the monitored value (ReduceLROnPlateau needs it)."""
        if self.per_batch or self.step < self.warmup:
            return
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(monitored)
        else:
            self.scheduler.step()

    def _warm_up(self) -> None:
        if self.warmup:
            for group, lr in zip(self.optimizer.param_groups, self.full, strict=True):
                group["lr"] = lr * min(1.0, (self.step + 1) / (self.warmup + 1))
            if self.step == self.warmup:
                for group, lr in zip(self.optimizer.param_groups, self.full, strict=True):
                    group["lr"] = lr
