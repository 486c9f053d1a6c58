"""Loss, optimiser and learning-rate schedule, by the names that params.yaml gives."""

import inspect
from typing import Any

import torch
from torch import nn

from goldfold.config import Component, FinetuneConfig, Task, TrainConfig
from goldfold.errors import InputError
from goldfold.imports import called, named, nearest
from goldfold.training.finetune import parameter_groups

DEFAULT_LOSS: dict[Task, str] = {
    "binary": "BCEWithLogitsLoss",
    "multilabel": "BCEWithLogitsLoss",
    "multiclass": "CrossEntropyLoss",
    "regression": "MSELoss",
}
WEIGHTED_BY = ("pos_weight", "weight")


def build_loss(config: TrainConfig, task: Task, class_weights: torch.Tensor | None = None) -> nn.Module:
    """The loss, from logits (b, outputs) and encoded targets to the mean over the batch.

    `class_weights`, (classes,) or (labels,), become its argument `weight`, or `pos_weight` where it has one.
    """
    component = config.loss or Component(name=DEFAULT_LOSS[task])
    of_classes = component.name == "FocalLoss" and task == "regression"
    if of_classes or (component.name in ("BCEWithLogitsLoss", "CrossEntropyLoss") and component.name != DEFAULT_LOSS[task]):
        # Either would train, and learn nothing.
        raise InputError(
            f"params.yaml, train.loss: {component.name} does not fit a {task} task",
            mend=f"leave train.loss out, which is {DEFAULT_LOSS[task]}, or correct competition.task",
        )
    factory = named(component.name, ["torch.nn", "timm.loss", "goldfold.training.losses"], "train.loss.name")
    known = inspect.signature(factory).parameters
    options: dict[str, Any] = {"exclusive": task == "multiclass"} if "exclusive" in known else {}
    if class_weights is not None:
        accepted = [name for name in WEIGHTED_BY if name in known]
        if not accepted:
            raise InputError(
                f"params.yaml, train.class_weights: {component.name} has no argument for them",
                mend=f"use {DEFAULT_LOSS[task]} or FocalLoss, or train.sampling: balanced",
            )
        options[accepted[0]] = class_weights
    loss: nn.Module = called(factory, "train.loss", **{**options, **component.args})
    return loss


def build_optimizer(config: TrainConfig, finetune: FinetuneConfig, model: nn.Module) -> torch.optim.Optimizer:
    """The optimiser over the groups of `finetune`, by timm's factory. Your own takes (groups, lr, **args)."""
    component, groups = config.optimizer, parameter_groups(model, finetune, config.lr, config.weight_decay)
    if ":" in component.name:
        factory = named(component.name, [], "train.optimizer.name")
        own: torch.optim.Optimizer = called(factory, "train.optimizer", groups, lr=config.lr, **component.args)
        return own
    from timm.optim import create_optimizer_v2, get_optimizer_class, list_optimizers

    known = list_optimizers()
    name = component.name.lower()
    if name not in known:
        raise InputError(
            f"params.yaml, train.optimizer.name: timm has no optimiser {component.name}{nearest(name, known)}",
            mend=f"give one of {', '.join(known[:12])}, …",
        )
    # One kernel for a step in place of several per parameter, where torch has it.
    fused = {"fused": True} if "fused" in inspect.signature(get_optimizer_class(name, bind_defaults=False)).parameters else {}
    options = {"opt": name, "lr": config.lr, **fused, **component.args}
    built: torch.optim.Optimizer = called(create_optimizer_v2, "train.optimizer", groups, **options)
    return built


class Schedule:
    """A scheduler of torch, moved per batch or per epoch as it needs, after the head's epochs and a linear warm-up.

    A scheduler that needs its length (total_steps or T_max) and is not given it gets the training's, in batches, and
    moves each batch; every other one moves at each epoch's end. It stands still in the epochs of the head alone, which
    have their own learning rate, and in the warm-up.
    """

    def __init__(
        self, config: TrainConfig, finetune: FinetuneConfig, optimizer: torch.optim.Optimizer, epochs: int, steps_per_epoch: int
    ) -> None:
        self.config, self.optimizer, self.steps_per_epoch = config, optimizer, steps_per_epoch
        self.step = 0
        self.head_steps = finetune.head_epochs * steps_per_epoch
        self.head_lr = finetune.head_lr or config.lr
        self.warmup = round(config.warmup_epochs * steps_per_epoch)
        self.base = [group["lr"] for group in optimizer.param_groups]
        self._begin(epochs * steps_per_epoch - self.head_steps - self.warmup)
        self._hold()

    def _begin(self, steps: int) -> None:
        """Set up the scheduler for so many steps, from the optimiser's own learning rates."""
        component, key = self.config.scheduler, "train.scheduler"
        factory = named(component.name, ["torch.optim.lr_scheduler"], f"{key}.name")
        for group, lr in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = group["initial_lr"] = lr
        given = component.args
        accepted = inspect.signature(factory).parameters
        lengths = {"total_steps", "T_max"} & set(accepted)
        self.per_batch = bool(lengths) and not (lengths | {"epochs"}) & set(given)
        if self.per_batch:
            given = {**dict.fromkeys(lengths, steps), **given}
        if "max_lr" in accepted:
            given = {"max_lr": self.base, **given}
        self.scheduler: Any = called(factory, key, self.optimizer, **given)
        self.full = [group["lr"] for group in self.optimizer.param_groups]

    def go_on(self, epochs: int) -> None:
        """Go on for more epochs: a schedule that spans its training starts anew over them, any other one continues."""
        if self.per_batch:
            self._begin(epochs * self.steps_per_epoch)

    def batch_ended(self) -> None:
        """Move on after an optimiser step."""
        self.step += 1
        if self.step <= self.head_steps + self.warmup:
            self._hold()
        elif self.per_batch:
            self.scheduler.step()

    def epoch_ended(self, monitored: float) -> None:
        """Move on after an epoch, given the monitored value (ReduceLROnPlateau needs it)."""
        if self.per_batch or self.step <= self.head_steps or self.step < self.head_steps + self.warmup:
            return
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(monitored)
        else:
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """What a resumed training needs."""
        return {"step": self.step, "scheduler": self.scheduler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` gave; the learning rates themselves are the optimiser's state."""
        self.step = state["step"]
        self.scheduler.load_state_dict(state["scheduler"])

    def _hold(self) -> None:
        """The learning rates of the head's epochs, of the warm-up, and where the scheduler starts."""
        if not self.head_steps and not self.warmup:
            return
        for group, full in zip(self.optimizer.param_groups, self.full, strict=True):
            if self.step < self.head_steps:
                group["lr"] = self.head_lr
            elif self.step < self.head_steps + self.warmup:
                group["lr"] = full * (self.step - self.head_steps + 1) / (self.warmup + 1)
            else:
                group["lr"] = full
