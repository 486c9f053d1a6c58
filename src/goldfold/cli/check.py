"""Check params.yaml, and how the competition's files are read."""

import argparse
from pathlib import Path

from goldfold.competition import read_competition
from goldfold.config import load_config
from goldfold.imports import find_modality_part
from goldfold.metrics import find_metric
from goldfold.runs.dvc_lock import mend_dvc_files
from goldfold.runs.paths import require_competition
from goldfold.terminal import show_decisions


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> None:
    """Check params.yaml and print how the files are read; raises InputError with what is wrong."""
    mend_dvc_files()
    config = load_config()
    if config.competition.metric is not None:
        find_metric(config.competition.metric.name, config.competition.task, config.competition.metric.args)
    steps = config.validate_.postprocess
    if steps and steps != "auto":
        # Importing torch takes seconds, and most checks do without it.
        from goldfold.inference.postprocess import require_steps

        require_steps(steps)
    if augmentation := find_modality_part(config.competition.modality, "augmentation"):
        for change in config.predict.tta:
            augmentation.build_augmentation([change], section="predict.tta")
    require_competition(config)
    print("params.yaml: all keys and values are valid")
    if Path(config.competition.path).is_dir():
        show_decisions(read_competition(config.competition, config.prepare).decisions)
