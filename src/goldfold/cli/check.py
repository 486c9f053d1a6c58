"""Check params.yaml and how the competition's files are read, and rehearse the pipeline on a handful of rows."""

import argparse
from dataclasses import asdict
from pathlib import Path

from goldfold.as_json import Answer
from goldfold.competition import read_competition
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.imports import find_modality_part
from goldfold.metrics import find_metric
from goldfold.programs import dvc
from goldfold.runs.dvc_lock import mend_dvc_files
from goldfold.runs.paths import made_by, require_competition, require_replaceable
from goldfold.scratch import scratch_folder
from goldfold.terminal import show_decisions


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> Answer:
    """Check params.yaml, print how the files are read, and rehearse; raises InputError with what is wrong."""
    mend_dvc_files()
    require_replaceable()
    config = load_config()
    if config.competition.metric is not None:
        find_metric(config.competition.metric.name, config.competition.task, config.competition.metric.args)
    if augmentation := find_modality_part(config.competition.modality, "augmentation"):
        for change in config.predict.tta:
            augmentation.build_augmentation([change], section="predict.tta")
    require_competition(config)
    print("params.yaml: all keys and values are valid")
    folder = Path(config.competition.path)
    if not folder.is_dir() and (stage := made_by(folder)):
        _make(stage)
    if not folder.is_dir():
        print(f"not rehearsed: {folder} is not here (dvc pull brings it)")
        return {"decisions": [], "rehearsed": None}
    competition = read_competition(config.competition, config.prepare)
    show_decisions(competition.decisions)
    # Importing torch takes seconds, and most mistakes are found without it.
    from goldfold.rehearsal import rehearse

    rehearsed = rehearse(config, lambda: competition, scratch_folder())
    print(f"rehearsed: {rehearsed}")
    return {"decisions": [asdict(decision) for decision in competition.decisions], "rehearsed": rehearsed}


def _make(stage: Path) -> None:
    """Run the stage that makes the competition's files."""
    done = dvc("repro", "--quiet", str(stage))
    if done.returncode:
        raise InputError(f"{stage} cannot make the competition's files", done.stderr.splitlines()[-3:], f"dvc repro {stage}")
