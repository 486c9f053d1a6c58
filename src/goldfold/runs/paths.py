"""Where dvc.yaml puts things."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.config import place_of
from goldfold.errors import InputError
from goldfold.files import read_json
from goldfold.programs import dvc

if TYPE_CHECKING:
    from goldfold.config import Config

CURRENT = Path("experiments/current")
SETTINGS = CURRENT / "settings.yaml"
REPORT = CURRENT / "report/report.html"
ORIGIN = CURRENT / "tracking/predict.json"
"""The origin of the current result, as the last stage writes it down."""
PREPARED = Path("data/prepared")
RECIPES = Path("experiments/recipes")
BLENDS = Path("experiments/blends")
MEMBERS = Path("experiments/members")
PSEUDO = Path("experiments/pseudo")
REPORTS = Path("experiments/reports")
LEADERBOARD = Path("experiments/leaderboard.html")
RESULTS = Path("experiments/results.tsv")
BUNDLES = Path("experiments/bundles")
SWEEPS = Path("experiments/sweeps")
PORTFOLIO = Path("experiments/portfolio")
RACE = Path("experiments/race")
REPLACED = (PREPARED, CURRENT / "folds", CURRENT / "submission", CURRENT / "report")
"""The folders that DVC deletes before a stage writes them."""


def require_competition(config: "Config") -> None:
    """Raise InputError where the competition is not there, and neither a stage nor DVC would bring it."""
    path = Path(config.competition.path)
    if not path.exists() and not path.with_name(f"{path.name}.dvc").is_file() and made_by(path) is None:
        raise InputError(f"competition.path: there is no folder {path}", mend="correct it, or put the competition's files there")


def made_by(path: Path) -> Path | None:
    """The dvc.yaml beside a folder whose stage makes it, as for the embedded competition; None without one."""
    stages = path.with_name("dvc.yaml")
    return stages if stages.is_file() and str(path) in stages.read_text(encoding="utf-8") else None


def require_replaceable() -> None:
    """Raise InputError where a folder that DVC deletes before a stage writes it is a mount, which cannot be deleted."""
    if mounts := [str(folder) for folder in REPLACED if folder.is_mount()]:
        mend = f"mount {PREPARED.parent} or {CURRENT.parent} instead, or a folder for `dvc config cache.dir`"
        raise InputError("DVC cannot replace a folder that is a mount of its own", mounts, mend)


def _preparing(path: Path) -> Any:
    """The settings that the prepared set is made by; none where there is no such file."""
    if not path.is_file():
        return None
    from goldfold.config import load_config

    settings = load_config(path).model_dump(mode="json", include={"competition", "split", "prepare"})
    del settings["split"]["folds"]
    return settings


def cut_short(config: "Config") -> list[str]:
    """List the folds and refits whose training ended before it was finished."""
    cards = {
        config.train.name_of(fold, seed): CURRENT / "folds" / place_of(fold, seed) / "model.json"
        for fold, seed in config.trainings
    }
    return [name for name, card in cards.items() if card.is_file() and read_json(card)["ended"] != "finished"]


def prepared_warning() -> str:
    """Return what to say where params.yaml or the files have changed since prepare ran; empty where they have not."""
    files_changed = dvc("status", "--quiet", "prepare").returncode
    if files_changed or _preparing(Path("params.yaml")) != _preparing(SETTINGS):
        return f"{PREPARED} is older than params.yaml or the files: `dvc repro prepare` brings it up to date"
    return ""
