"""Train on what train.max_hours cut short, then run what depends on it."""

import argparse
import subprocess

from goldfold.config import load_config
from goldfold.runs.paths import cut_short


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes none."""


def run(args: argparse.Namespace) -> None:
    """Train on the folds that train.max_hours cut, or that were stopped, then run what depends on them."""
    stages = cut_short(load_config())
    if not stages:
        print("no training was cut short, so there is nothing to go on with; make repro runs what is not up to date")
        return
    for stage in stages:
        print(f"going on with {stage}", flush=True)
        _repro("--force", "--single-item", stage)
    _repro()


def _repro(*options: str) -> None:
    done = subprocess.run(["dvc", "repro", *options], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
