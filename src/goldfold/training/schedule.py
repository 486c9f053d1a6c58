"""The learning-rate schedule, by its name in params.yaml."""

import inspect
from typing import Any

import torch

from goldfold.config import FinetuneConfig, TrainConfig
from goldfold.imports import called, named


class Schedule:
    """A scheduler of torch, after the head's epochs and a linear warm-up, both with learning rates of their own.

    A scheduler that needs a length (total_steps or T_max) and has none set spans the training and steps each batch; every other
    one steps at each epoch's end.
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
        self._build(epochs * steps_per_epoch - self.head_steps - self.warmup)
        self._hold()

    def _build(self, steps: int) -> None:
        """Build the scheduler for so many steps, from the optimiser's initial learning rates."""
        component, key = self.config.scheduler, "train.scheduler"
        factory = named(component.name, ["torch.optim.lr_scheduler"], f"{key}.name")
        for group, lr in zip(self.optimizer.param_groups, self.base, strict=True):
            group["lr"] = group["initial_lr"] = lr
        args = component.args
        accepted = inspect.signature(factory).parameters
        lengths = {"total_steps", "T_max"} & set(accepted)
        self.per_batch = bool(lengths) and not (lengths | {"epochs"}) & set(args)
        if self.per_batch:
            # torch's OneCycleLR divides by the steps of its rise, pct_start * total_steps - 1.
            is_flat = "pct_start" in accepted and args.get("pct_start", 0.3) * steps == 1
            args = {**dict.fromkeys(lengths, steps + is_flat), **args}
        if "max_lr" in accepted:
            args = {"max_lr": self.base, **args}
        self.scheduler: Any = called(factory, key, self.optimizer, **args)
        self.full = [group["lr"] for group in self.optimizer.param_groups]

    def extend(self, epochs: int) -> None:
        """Add epochs: a schedule that spans the training starts anew over them, any other one continues."""
        if self.per_batch:
            self._build(epochs * self.steps_per_epoch)

    def batch_ended(self) -> None:
        """Step after a batch."""
        self.step += 1
        if self.step <= self.head_steps + self.warmup:
            self._hold()
        elif self.per_batch:
            self.scheduler.step()

    def epoch_ended(self, monitored: float) -> None:
        """Step after an epoch with this monitored value, which ReduceLROnPlateau needs."""
        if self.per_batch or self.step <= self.head_steps or self.step < self.head_steps + self.warmup:
            return
        if isinstance(self.scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self.scheduler.step(monitored)
        else:
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed training needs."""
        return {"step": self.step, "scheduler": self.scheduler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Load what `state_dict` returned; the learning rates themselves are in the optimiser's state."""
        self.step = state["step"]
        self.scheduler.load_state_dict(state["scheduler"])

    def _hold(self) -> None:
        """Set the learning rates of the head's epochs, of the warm-up, and of the scheduler's start."""
        if not self.head_steps and not self.warmup:
            return
        for group, full in zip(self.optimizer.param_groups, self.full, strict=True):
            if self.step < self.head_steps:
                group["lr"] = self.head_lr
            elif self.step < self.head_steps + self.warmup:
                group["lr"] = full * (self.step - self.head_steps + 1) / (self.warmup + 1)
            else:
                group["lr"] = full
