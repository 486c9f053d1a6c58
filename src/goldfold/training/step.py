"""One step of the optimiser: forward and backward, in as many micro-batches as fit into memory."""

import math
import random
from collections.abc import Callable

import torch
from torch import nn
from torch.profiler import record_function

from goldfold.errors import InputError
from goldfold.modalities.protocol import Inputs
from goldfold.training.batches import seed_everything
from goldfold.training.trainer import Trainer

CHECKED_EVERY = 50


def train_step(trainer: Trainer, epoch: int, step: int, rows: torch.Tensor, inputs: Inputs) -> torch.Tensor:
    """Train on one batch; return its mean loss, detached, on the device.

    The step's own random choices (dropout, mixing) come from (seed, epoch, step). When memory runs out, the step is done
    again in micro-batches of half the size, whose gradients add up to the batch's.
    """
    while True:
        seed_everything(trainer.fold.seed, epoch, step)
        try:
            loss = _accumulated(trainer, rows, inputs)
            break
        except torch.OutOfMemoryError:
            trainer.micro_batch_size = _halved(trainer.micro_batch_size, len(rows))
            size = trainer.micro_batch_size
            trainer.reporter.noted(f"memory ran out: going on in micro-batches of {size} of the {len(rows)} rows of a batch")
        except RuntimeError as error:
            if not trainer.config.train.compile:
                raise
            raise InputError(
                f"torch.compile, or the network that it compiled, failed: {next(iter(str(error).strip().splitlines()), error)}",
                mend="install a C++ compiler (sudo apt install g++), or set train.compile: false",
            ) from error
        # Outside the handler, which would keep the failed step's tensors alive.
        trainer.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    with record_function("optimizer"):
        if trainer.config.train.clip_grad:
            trainer.scaler.unscale_(trainer.optimizer)
            nn.utils.clip_grad_norm_(trainer.model.parameters(), trainer.config.train.clip_grad)
        trainer.scaler.step(trainer.optimizer)
        trainer.scaler.update()
        trainer.average.step_ended(epoch)
    return loss


def _accumulated(trainer: Trainer, rows: torch.Tensor, inputs: Inputs) -> torch.Tensor:
    """The gradients of the batch's mean loss, accumulated over micro-batches."""
    with record_function("to device"):
        target = trainer.targets[rows.to(trainer.targets.device)]
        inputs = {name: trainer.compute.to_device(tensor) for name, tensor in inputs.items()}
        if trainer.mix and random.random() < trainer.config.train.mix_probability:
            inputs, target = _mixed(inputs, target, random.choice(trainer.mix), str(trainer.config.model.mixed))
    trainer.optimizer.zero_grad(set_to_none=True)
    total = torch.zeros((), device=trainer.compute.device)
    size = trainer.micro_batch_size
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        with record_function("forward"), trainer.compute.autocast():
            logits = trainer.network(**{name: tensor[part] for name, tensor in inputs.items()})
        with record_function("loss"):
            share = len(target[part]) / len(rows)
            loss: torch.Tensor = trainer.loss(logits.float(), target[part]) * share
        with record_function("backward"):
            trainer.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
    return total


def _mixed(
    inputs: Inputs, target: torch.Tensor, mix: Callable[..., tuple[torch.Tensor, torch.Tensor]], name: str
) -> tuple[Inputs, torch.Tensor]:
    """The batch with the input `name`, (b, height, width, channels), and its targets, (b, outputs) float32, mixed."""
    images, target = mix(inputs[name].permute(0, 3, 1, 2).float(), target)
    return {**inputs, name: images.permute(0, 2, 3, 1)}, target


def _halved(size: int, rows: int) -> int:
    if min(size, rows) == 1:
        raise InputError(
            "one row alone does not fit into the memory",
            mend="choose a smaller input or model, or free memory that another process holds",
        )
    return math.ceil(min(size, rows) / 2)


class LossWatch:
    """Stops a training whose loss is no longer finite, with the rows of the batch that made it so.

    On a GPU it looks at many losses at once, because each look waits for the device.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.every = 1 if trainer.compute.device.type == "cpu" else CHECKED_EVERY
        self.unseen: list[tuple[int, int, float, torch.Tensor, torch.Tensor]] = []

    def saw(self, epoch: int, step: int, lr: float, rows: torch.Tensor, loss: torch.Tensor) -> None:
        """Take note of a step; every so often, look."""
        self.unseen.append((epoch, step, lr, rows, loss))
        if len(self.unseen) >= self.every:
            self.look()

    def look(self) -> None:
        """Raise InputError for the first of the losses not looked at that is not finite."""
        if not self.unseen:
            return
        finite = torch.stack([loss for *_, loss in self.unseen]).isfinite().tolist()
        if all(finite):
            self.unseen.clear()
            return
        epoch, step, lr, rows, loss = self.unseen[finite.index(False)]
        fold = self.trainer.fold
        problem, table = fold.prepared.problem, fold.prepared.train.iloc[rows.numpy()]
        columns = [problem.id, *problem.targets[:3]]
        described = [" ".join(f"{name} {value}" for name, value in row.items()) for row in table[columns].to_dict("records")]
        raise InputError(
            f"the training loss of fold {fold.number} is {float(loss)} in epoch {epoch + 1}, step {step + 1}, at learning "
            f"rate {lr:g}; the batch's rows are",
            described,
            "lower train.lr (goldfold lr-find suggests one), set train.clip_grad: 1.0 or train.warmup_epochs: 1, set "
            "train.precision: fp32, or look at these rows for targets that cannot be right",
        )
