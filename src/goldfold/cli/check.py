"""Check params.yaml."""

import argparse

from goldfold.config import load_config
from goldfold.imports import find_modality_part
from goldfold.metrics import find_metric
from goldfold.runs.paths import require_competition


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: it takes none."""


def run(args: argparse.Namespace) -> None:
    """Check params.yaml; raises InputError that names what is wrong."""
    config = load_config()
    if config.competition.metric is not None:
        find_metric(config.competition.metric.name, config.competition.task, config.competition.metric.args)
    steps = config.validate_.postprocess
    if steps and steps != "auto":
        # It brings torch, which most checks do without.
        from goldfold.inference.postprocess import require_steps

        require_steps(steps)
    if augmentation := find_modality_part(config.competition.modality, "augmentation"):
        for change in config.predict.tta:
            augmentation.build_augmentation([change], section="predict.tta")
    require_competition(config)
    print("params.yaml has no mistake in its keys and values")
