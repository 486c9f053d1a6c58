"""Where dvc.yaml puts things."""

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.files import read_json

if TYPE_CHECKING:
    from goldfold.config import Config

CURRENT = Path("experiments/current")
REPORT = CURRENT / "report/report.html"
ORIGIN = CURRENT / "tracking/predict.json"
"""The origin of the current result, as the last stage writes it down."""
PREPARED = Path("data/prepared")
RECIPES = Path("experiments/recipes")
BLENDS = Path("experiments/blends")
PSEUDO = Path("experiments/pseudo")
REPORTS = Path("experiments/reports")
LEADERBOARD = Path("experiments/leaderboard.html")
BUNDLES = Path("experiments/bundles")
SWEEPS = Path("experiments/sweeps")


def require_competition(config: "Config") -> None:
    """Raise InputError where the competition is not there, and neither a stage nor DVC would bring it."""
    path = Path(config.competition.path)
    if not path.exists() and not path.with_name(f"{path.name}.dvc").is_file() and Path("data/demo") not in path.parents:
        raise InputError(f"competition.path: there is no folder {path}", mend="correct it, or put the competition's files there")


def cut_short(config: "Config") -> list[str]:
    """List the stages of dvc.yaml whose training ended before it was finished."""
    trainings = [(fold, seed) for fold in config.split.folds for seed in config.train.seeds]
    cards = {f"train@{fold}-{seed}": CURRENT / "folds" / str(fold) / str(seed) / "model.json" for fold, seed in trainings}
    return [stage for stage, card in cards.items() if card.is_file() and read_json(card)["ended"] != "finished"]


def prepared_warning() -> str:
    """Return what to say where params.yaml or the files have changed since prepare ran; empty where they have not."""
    if subprocess.run(["dvc", "status", "--quiet", "prepare"], capture_output=True, check=False).returncode:
        return f"{PREPARED} is older than params.yaml or the files: `dvc repro prepare` brings it up to date"
    return ""
