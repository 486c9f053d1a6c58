"""One step of the optimiser: forward and backward passes in micro-batches that fit into memory."""

import math
import random
from collections.abc import Callable

import torch
from torch import nn
from torch.profiler import record_function

from goldfold.errors import InputError
from goldfold.modalities.protocol import Inputs, apart
from goldfold.training.balance import counted_by, weigh
from goldfold.training.batches import seed_everything
from goldfold.training.ranks import add_up, agreed, is_main, rank, share_of, world
from goldfold.training.trainer import Trainer

CHECKED_EVERY = 50


def train_step(trainer: Trainer, epoch: int, step: int, rows: torch.Tensor, inputs: Inputs) -> torch.Tensor:
    """Train on one batch; return its mean loss, detached, on the device.

    `rows` are the batch's, `inputs` those of this rank's share of them. Random choices (dropout, mixing) come from (seed, epoch,
    step), on other ranks than the main one from the rank too. When memory runs out, on any rank, the step is repeated in
    micro-batches of half the size, whose gradients add up to the batch's.
    """
    while True:
        seed_everything(trainer.fold.seed, epoch, step, *([] if is_main() else [rank()]))
        loss = None
        try:
            loss = _accumulated(trainer, rows, inputs)
        except torch.OutOfMemoryError as error:
            if trainer.is_synchronised:
                raise InputError(
                    "memory ran out, and synchronised batch norms need all rows of a rank at once",
                    mend="choose a smaller train.batch_size, or set train.sync_batch_norm: false",
                ) from error
        except RuntimeError as error:
            if not trainer.config.train.compile:
                raise
            raise InputError(
                f"torch.compile, or the network that it compiled, failed: {next(iter(str(error).strip().splitlines()), error)}",
                mend="install a C++ compiler (sudo apt install g++), or set train.compile: false",
            ) from error
        is_short = agreed(loss is None)[0]
        if loss is not None and not is_short:
            break
        most = len(share_of(rows, 0, world()))
        trainer.micro_batch_size = _halved(trainer.micro_batch_size, most)
        size = trainer.micro_batch_size
        trainer.reporter.note(f"memory ran out: continuing in micro-batches of {size} of a batch's {len(rows)} rows")
        # Not in the handler, which keeps the failed step's tensors alive.
        trainer.optimizer.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    with record_function("ranks"):
        add_up(trainer.trained, loss)
    with record_function("optimizer"):
        if trainer.config.train.clip_grad:
            trainer.scaler.unscale_(trainer.optimizer)
            nn.utils.clip_grad_norm_(trainer.trained.parameters(), trainer.config.train.clip_grad)
        trainer.scaler.step(trainer.optimizer)
        trainer.scaler.update()
        trainer.average.step_ended(epoch)
    return loss


def _accumulated(trainer: Trainer, rows: torch.Tensor, inputs: Inputs) -> torch.Tensor:
    """Accumulate the gradients of this rank's share of the batch's mean loss over micro-batches, and return that share.

    The loss that is told is that of the targets, without auxiliary columns.
    """
    with record_function("to device"):
        own = share_of(rows, rank(), world())
        inputs, added = apart(inputs)
        target = trainer.targets_of(own, added)
        # Of a dense target each row counts alike.
        of_batch = rows if trainer.targets is None else trainer.targets_of(rows, added)
        weight = None if trainer.weights is None else trainer.weights[trainer.compute.to_device(own)]
        # Rows that all ranks read count once.
        times = world() if len(own) == len(rows) else 1
        whole = counted_by(trainer.loss, of_batch) * times
        columns = None if trainer.auxiliary is None else trainer.auxiliary.targets(trainer.compute.to_device(own))
        inputs = {name: trainer.compute.to_device(tensor) for name, tensor in inputs.items()}
        if trainer.mix and random.random() < trainer.config.train.mix_probability:
            mix, name = random.choice(trainer.mix), str(trainer.config.model.mixed)
            inputs, target, weight, columns = _mixed(inputs, target, weight, columns, mix, name)
    trainer.optimizer.zero_grad(set_to_none=True)
    total = torch.zeros((), device=trainer.compute.device)
    size = trainer.micro_batch_size
    for start in range(0, len(own), size):
        part = slice(start, start + size)
        with record_function("forward"), trainer.compute.autocast():
            read = trainer.network(**{name: tensor[part] for name, tensor in inputs.items()})
            logits, answers = (read, None) if trainer.auxiliary is None else read
        with record_function("loss"):
            share = counted_by(trainer.loss, target[part]) / whole
            logits = logits.float()
            if weight is not None:
                weigh(logits, weight[part])
            loss: torch.Tensor = trainer.loss(logits, target[part]) * share
            learned = loss
            if trainer.auxiliary is not None and answers is not None and columns is not None:
                learned = loss + trainer.auxiliary.loss(answers, columns[part]) / (len(rows) * times)
        with record_function("backward"):
            trainer.scaler.scale(learned).backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
    return total


def _mixed(
    inputs: Inputs,
    target: torch.Tensor,
    weight: torch.Tensor | None,
    columns: torch.Tensor | None,
    mix: Callable[..., tuple[torch.Tensor, torch.Tensor]],
    name: str,
) -> tuple[Inputs, torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Mix a batch's input `name`, pictures (b, height, width, channels) or waves (b, windows, samples), its targets, (b, outputs)
    float32, its weights, (b,), and the targets of its auxiliary columns, (b, width)."""
    parts = [target, *([] if weight is None else [weight[:, None]]), *([] if columns is None else [columns])]
    together = torch.cat(parts, dim=1)
    pictures = inputs[name].permute(0, 3, 1, 2) if inputs[name].ndim == 4 else inputs[name][:, None]
    pictures, together = mix(pictures.float(), together)
    mixed = pictures.permute(0, 2, 3, 1) if inputs[name].ndim == 4 else pictures[:, 0]
    inputs = {**inputs, name: mixed}
    target, *others = torch.split(together, [part.shape[1] for part in parts], dim=1)
    return inputs, target, None if weight is None else others[0][:, 0], None if columns is None else others[-1]


def _halved(size: int, rows: int) -> int:
    if min(size, rows) == 1:
        raise InputError(
            "a single row does not fit into memory",
            mend="choose a smaller input or model, or free memory that another process holds",
        )
    return math.ceil(min(size, rows) / 2)


class LossWatch:
    """Stops a training whose loss is no longer finite, and names the rows of that batch.

    On a GPU it checks many losses at once, because each check waits for the device.
    """

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self.every = 1 if trainer.compute.device.type == "cpu" else CHECKED_EVERY
        self.unchecked: list[tuple[int, int, float, torch.Tensor, torch.Tensor]] = []

    def add(self, epoch: int, step: int, lr: float, rows: torch.Tensor, loss: torch.Tensor) -> None:
        """Add a step's loss, and check the losses every so often."""
        self.unchecked.append((epoch, step, lr, rows, loss))
        if len(self.unchecked) >= self.every:
            self.check()

    def check(self) -> None:
        """Raise InputError for the first unchecked loss that is not finite."""
        if not self.unchecked:
            return
        finite = torch.stack([loss for *_, loss in self.unchecked]).isfinite().tolist()
        if all(finite):
            self.unchecked.clear()
            return
        epoch, step, lr, rows, loss = self.unchecked[finite.index(False)]
        fold = self.trainer.fold
        problem, table = fold.prepared.problem, fold.prepared.train.iloc[rows.numpy()]
        columns = [problem.id, *problem.targets[:3]]
        described = [
            " ".join(f"{name} {value!s:.80}" for name, value in row.items()) for row in table[columns].to_dict("records")
        ]
        raise InputError(
            f"the training loss of {fold.name} is {float(loss)} in epoch {epoch + 1}, step {step + 1}, at learning "
            f"rate {lr:g}; the batch's rows are",
            described,
            "lower train.lr (goldfold lr-find suggests one), set train.clip_grad: 1.0 or train.warmup_epochs: 1, set "
            "train.precision: fp32, or look at these rows for targets that cannot be right",
        )
