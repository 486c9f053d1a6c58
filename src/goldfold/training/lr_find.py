"""The learning-rate range test: the loss while the learning rate rises step by step."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.config import FoldConfig
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.metrics import Array
from goldfold.prepare import PreparedSet
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Reporter
from goldfold.training.step import train_step
from goldfold.training.trainer import Trainer, make_trainer

LOWEST, HIGHEST = 1e-7, 1.0
SMOOTHING = 0.95
DIVERGED = 4.0


@dataclass(frozen=True)
class RangeTest:
    """Learning rates, (steps,), the smoothed training losses at them, (steps,), and the suggested rate."""

    lrs: Array
    losses: Array

    @property
    def suggested(self) -> float:
        """A tenth of the rate at which the loss is lowest: there it still falls and does not diverge."""
        return float(self.lrs[self.losses.argmin()]) / 10

    def save(self, folder: Path) -> None:
        """Write lr-find.csv (lr, loss) and lr-find.png, the loss over the learning rate."""
        with written_whole(folder / "lr-find.csv") as draft:
            pd.DataFrame({"lr": self.lrs, "loss": self.losses}).to_csv(draft, index=False)
        from matplotlib.figure import Figure

        figure = Figure(figsize=(7, 4.5), layout="constrained")
        axes = figure.subplots()
        axes.plot(self.lrs, self.losses)
        axes.axvline(self.suggested, linestyle="--", color="tab:red", label=f"suggested: {self.suggested:.1e}")
        axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, smoothed")
        axes.legend()
        with written_whole(folder / "lr-find.png") as draft:
            figure.savefig(draft, format="png", dpi=120)


def find_lr(
    prepared: PreparedSet, fold: int, config: FoldConfig, reporter: Reporter, steps: int = 100, scratch: Path | None = None
) -> RangeTest:
    """Train `steps` steps while the learning rate rises from LOWEST to HIGHEST; stop early when the loss diverges.

    Parts of the network that finetune trains at lower rates keep their ratio. Smith 2017, https://arxiv.org/abs/1506.01186; the
    loss is smoothed as in fastai.
    """
    # Each step needs one batch, and loader processes would read several ahead.
    in_process = config.model_copy(update={"train": config.train.model_copy(update={"workers": 0})})
    trainer = make_trainer(prepared, fold, config.train.seeds[0], in_process, reporter, scratch)
    set_trainable(trainer.model, config.finetune, config.train.epochs - 1)
    shares = [base / config.train.lr for base in trainer.schedule.base]
    lrs: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for step, lr in enumerate(np.geomspace(LOWEST, HIGHEST, steps)):
        for group, share in zip(trainer.optimizer.param_groups, shares, strict=True):
            group["lr"] = float(lr) * share
        loss = _next_loss(trainer, step)
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth = mean / (1 - SMOOTHING ** (step + 1))
        if not np.isfinite(smooth) or (step > steps // 10 and smooth > DIVERGED * min(losses)):
            break
        lrs.append(float(lr))
        losses.append(smooth)
    if len(lrs) < 2:
        raise InputError(
            "the loss is not finite from the first steps on", mend="run goldfold overfit, and check the targets and the model"
        )
    return RangeTest(np.array(lrs), np.array(losses))


def _next_loss(trainer: Trainer, step: int) -> float:
    """Do a training step, starting over at the end of the rows, and return its loss."""
    trainer.sampler.epoch, step_of_epoch = divmod(step, trainer.steps)
    trainer.sampler.skip = step_of_epoch * trainer.config.train.batch_size
    rows, inputs = next(iter(trainer.batches))
    return float(train_step(trainer, trainer.sampler.epoch, step_of_epoch, rows, inputs))
