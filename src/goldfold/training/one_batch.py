"""Overfit one batch: what an expert tries first when a model does not learn."""

from collections.abc import Callable
from dataclasses import dataclass

from goldfold.config import FoldConfig
from goldfold.prepare import PreparedSet
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Reporter
from goldfold.training.step import LossWatch, train_step
from goldfold.training.trainer import make_trainer

LEARNED = 0.1


@dataclass(frozen=True)
class Overfit:
    """The loss on the batch before and after, and the steps taken."""

    rows: int
    first: float
    last: float
    steps: int

    @property
    def learned(self) -> bool:
        """Whether the loss fell to a tenth."""
        return self.last <= LEARNED * self.first


def overfit(
    prepared: PreparedSet,
    fold: int,
    config: FoldConfig,
    reporter: Reporter,
    steps: int,
    report: Callable[[int, float], None],
) -> Overfit:
    """Train on one batch at train.lr, without augmentation, mixing and smoothing, until it is learned.

    `report` is called with each step and its loss. Everything else is as in training: if model, loss and targets fit together,
    they learn one batch by heart.
    """
    train = config.train.model_copy(update={"mix": (), "label_smoothing": 0.0, "average": None, "workers": 0})
    finetune = config.finetune.model_copy(update={"feature_views": 0})
    bare = config.model_copy(update={"augment": (), "finetune": finetune, "train": train})
    trainer = make_trainer(prepared, fold, train.seeds[0], bare, reporter)
    set_trainable(trainer.model, config.finetune, train.epochs - 1)
    for group, base in zip(trainer.optimizer.param_groups, trainer.schedule.base, strict=True):
        group["lr"] = base
    rows, inputs = next(iter(trainer.batches))
    watch, first, loss, step = LossWatch(trainer), 0.0, 0.0, 0
    for step in range(1, steps + 1):
        batch_loss = train_step(trainer, 0, step, rows, inputs)
        watch.add(0, step, train.lr, rows, batch_loss)
        loss = float(batch_loss)
        first = first or loss
        report(step, loss)
        if loss <= LEARNED / 2 * first:
            break
    watch.check()
    return Overfit(len(rows), first, loss, step)
