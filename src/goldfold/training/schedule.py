"""The learning-rate schedule, by the name that params.yaml gives."""

import inspect
from typing import Any

import torch

from goldfold.config import FinetuneConfig, TrainConfig
from goldfold.imports import called, named


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
        args = component.args
        accepted = inspect.signature(factory).parameters
        lengths = {"total_steps", "T_max"} & set(accepted)
        self.per_batch = bool(lengths) and not (lengths | {"epochs"}) & set(args)
        if self.per_batch:
            args = {**dict.fromkeys(lengths, steps), **args}
        if "max_lr" in accepted:
            args = {"max_lr": self.base, **args}
        self.scheduler: Any = called(factory, key, self.optimizer, **args)
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
