"""`goldfold lr-find` and `goldfold overfit`: what to run before a long training, and when a model does not learn."""

import subprocess
import sys
from typing import TYPE_CHECKING

from goldfold.runs.paths import CURRENT, PREPARED

if TYPE_CHECKING:
    from goldfold.prepare import PreparedSet

TOLD = 10


def lr_find(fold: int | None, steps: int) -> None:
    """Run the learning-rate range test on a fold; write its plot and table, and log them to MLflow."""
    from goldfold.config import load_config
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import FoldProgress
    from goldfold.tracking import log_run
    from goldfold.training.lr_find import find_lr

    config, prepared = load_config(), _prepared()
    fold = config.split.folds[0] if fold is None else fold
    found = find_lr(prepared, fold, config, FoldProgress(), steps, scratch_folder())
    folder = CURRENT / "lr-find"
    found.save(folder)
    print(f"the loss is lowest at {found.suggested * 10:.1e}; try  train.lr: {found.suggested:.1e}   (now {config.train.lr:g})")
    print(f"plot        {folder / 'lr-find.png'}")
    metrics = [("loss", float(loss), step) for step, loss in enumerate(found.losses)]
    metrics += [("lr", float(lr), step) for step, lr in enumerate(found.lrs)]
    name = log_run(config, prepared, "lr-find", [*metrics, ("suggested_lr", found.suggested, 0)], sorted(folder.iterdir()))
    print(f"MLflow run  {name}")


def overfit_batch(fold: int | None, steps: int) -> None:
    """Fit one batch, and say whether the model can learn it."""
    from goldfold.config import load_config
    from goldfold.terminal import FoldProgress
    from goldfold.training.overfit import overfit

    config, prepared = load_config(), _prepared()
    fold = config.split.folds[0] if fold is None else fold

    def told(step: int, loss: float) -> None:
        if step == 1 or step % max(1, steps // TOLD) == 0:
            print(f"step {step:>4}  loss {loss:.4f}", flush=True)

    result = overfit(prepared, fold, config, FoldProgress(), steps, told)
    print(f"the loss on {result.rows} rows went from {result.first:.4f} to {result.last:.4f} in {result.steps} steps")
    if result.learned:
        print("it learns: model, loss and targets fit together; look for what is wrong in data, augmentation or schedule")
    else:
        print(
            "it does not learn a batch by heart: try a higher or lower train.lr (goldfold lr-find), finetune.train: all, less "
            "weight_decay and dropout; then look at the targets, the loss and model.mean and model.std"
        )
        raise SystemExit(1)


def _prepared() -> "PreparedSet":
    """The prepared set; a warning where params.yaml or the files have changed since."""
    from goldfold.prepare import PreparedSet

    prepared = PreparedSet.load(PREPARED)
    if subprocess.run(["dvc", "status", "--quiet", "prepare"], capture_output=True, check=False).returncode:
        print(f"{PREPARED} is older than params.yaml or the files: `dvc repro prepare` brings it up to date", file=sys.stderr)
    return prepared
