"""Overfit one batch: the first thing to try when a model does not learn."""

import argparse
import sys

from goldfold.cli.arguments import add_fold, at_least_one
from goldfold.config import load_config
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED, prepared_warning
from goldfold.terminal import FoldProgress
from goldfold.training.one_batch import overfit

LINES = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a fold and a number of steps."""
    add_fold(parser)
    parser.add_argument("--steps", type=at_least_one, default=200)


def run(args: argparse.Namespace) -> None:
    """Overfit one batch, and say whether the model can; exit with 1 if it cannot."""
    config, prepared = load_config(), PreparedSet.load(PREPARED)
    if warning := prepared_warning():
        print(warning, file=sys.stderr)
    fold = config.split.folds[0] if args.fold is None else args.fold

    def show_step(step: int, loss: float) -> None:
        if step == 1 or step % max(1, args.steps // LINES) == 0:
            print(f"step {step:>4}  loss {loss:.4f}", flush=True)

    result = overfit(prepared, fold, config, FoldProgress(), args.steps, show_step)
    print(f"the loss on {result.rows} rows went from {result.first:.4f} to {result.last:.4f} in {result.steps} steps")
    if result.learned:
        print("it learns: model, loss and targets fit together; look for the fault in data, augmentation or schedule")
    else:
        print(
            "it cannot overfit one batch: try a higher or lower train.lr (goldfold lr-find), finetune.train: all, less "
            "weight_decay and dropout; then look at the targets, the loss and model.mean and model.std"
        )
        raise SystemExit(1)
