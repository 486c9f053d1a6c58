"""Continue training that train.max_hours cut short, then run what depends on it."""

import argparse

from goldfold.config import load_config
from goldfold.programs import dvc
from goldfold.runs.dvc_lock import mend_dvc_files
from goldfold.runs.paths import cut_short


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> None:
    """Continue the folds that train.max_hours cut short or that were stopped, then run what depends on them."""
    mend_dvc_files()
    folds = cut_short(load_config())
    if not folds:
        print("no training was cut short, so there is nothing to continue; make repro runs what is out of date")
        return
    print(f"continuing {', '.join(folds)}", flush=True)
    _repro("--force", "--single-item", "train")
    _repro()


def _repro(*options: str) -> None:
    done = dvc("repro", *options, kept=False)
    if done.returncode:
        raise SystemExit(done.returncode)
