"""Find a learning rate: plot the loss while the rate rises."""

import argparse
import sys

from goldfold.cli.arguments import add_fold, whole
from goldfold.config import load_config
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import CURRENT, PREPARED, prepared_warning
from goldfold.scratch import scratch_folder
from goldfold.terminal import FoldProgress
from goldfold.tracking import log_run
from goldfold.training.lr_find import find_lr


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a fold and a number of steps."""
    add_fold(parser)
    parser.add_argument("--steps", type=whole(10), default=100)


def run(args: argparse.Namespace) -> None:
    """Run the learning-rate range test on a fold; write its plot and table, and log them to MLflow."""
    config, prepared = load_config(), PreparedSet.load(PREPARED)
    if warning := prepared_warning():
        print(warning, file=sys.stderr)
    fold = config.split.folds[0] if args.fold is None else args.fold
    result = find_lr(prepared, fold, config, FoldProgress(), args.steps, scratch_folder())
    folder = CURRENT / "lr-find"
    result.save(folder)
    print(f"the loss is lowest at {result.suggested * 10:.1e}; try  train.lr: {result.suggested:.1e}   (now {config.train.lr:g})")
    print(f"plot        {folder / 'lr-find.png'}")
    metrics = [("loss", float(loss), step) for step, loss in enumerate(result.losses)]
    metrics += [("lr", float(lr), step) for step, lr in enumerate(result.lrs)]
    name = log_run(config, prepared, "lr-find", [*metrics, ("suggested_lr", result.suggested, 0)], sorted(folder.iterdir()))
    print(f"MLflow run  {name}")
