"""Where dvc.yaml puts things."""

from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.files import read_json

if TYPE_CHECKING:
    from goldfold.config import Config

CURRENT = Path("experiments/current")
PREPARED = Path("data/prepared")
RECIPES = Path("experiments/recipes")
BLENDS = Path("experiments/blends")
PSEUDO = Path("experiments/pseudo")
REPORTS = Path("experiments/reports")
LEADERBOARD = Path("experiments/leaderboard.html")
BUNDLES = Path("experiments/bundles")
SWEEPS = Path("experiments/sweeps")


def cut_short(config: "Config") -> list[str]:
    """The stages of dvc.yaml whose training ended before it was finished."""
    trainings = [(fold, seed) for fold in config.split.folds for seed in config.train.seeds]
    cards = {f"train@{fold}-{seed}": CURRENT / "folds" / str(fold) / str(seed) / "model.json" for fold, seed in trainings}
    return [stage for stage, card in cards.items() if card.is_file() and read_json(card)["ended"] != "finished"]
