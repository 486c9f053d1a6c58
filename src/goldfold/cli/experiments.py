"""`goldfold run` and `goldfold resume`: experiments, by way of DVC."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from goldfold.config import parse_config
from goldfold.config.recipe import of_another_modality, overlaid, read_recipe, read_yaml
from goldfold.errors import InputError
from goldfold.runs.paths import RECIPES, cut_short, require_competition


def run_recipe(name: str, dvc_options: list[str]) -> None:
    """Run `dvc exp run` with the recipe's overrides; raises InputError where params.yaml has changes not committed."""
    recipe, path = read_recipe(RECIPES, name), RECIPES / f"{name}.yaml"
    if recipe.pop("sweep", None):
        print(f"{path} as it is, without its search (goldfold sweep {name})")
    if _git("status", "--porcelain", "params.yaml"):
        raise InputError(
            "params.yaml has changes that are not committed, yours or those of the last recipe; this one would be laid over them",
            mend="git restore params.yaml goes back to what is committed; git commit params.yaml builds on the changes",
        )
    base = read_yaml(Path("params.yaml"))
    whole = parse_config(overlaid(base, recipe), str(path))
    if not any("competition.path=" in option for option in dvc_options):
        require_competition(whole)
    settings = overrides(recipe, base)
    print(f"params.yaml takes the settings of {path}; `git restore params.yaml` goes back", flush=True)
    command = ["exp", "run", "--name", name, *(f"--set-param={setting}" for setting in settings), *dvc_options]
    try:
        _dvc(*command)
    except SystemExit:
        if name in _dvc_names():
            print(f"\nan experiment of that name is there: goldfold run {name} --force takes its place", file=sys.stderr)
        raise


def overrides(recipe: dict[str, Any], base: dict[str, Any], path: str = "") -> list[str]:
    """A recipe as overrides in the grammar of `dvc exp run --set-param`.

    Sections are merged into the base; something with a name and its arguments (a scheduler, a loss) takes the whole
    place of the old one, and so do the sections of another kind of input.
    """
    settings = []
    replaced = of_another_modality(recipe, base) if not path else ()
    for section in replaced:
        settings += [f"~{section}"] * (section in base) + [f"++{section}={_hydra(recipe.get(section, {}))}"]
    for key, value in recipe.items():
        if key in replaced:
            continue
        place = f"{path}.{key}" if path else key
        old = base.get(key) if isinstance(base, dict) else None
        if isinstance(value, dict) and isinstance(old, dict):
            if "name" in value and place != "model":
                settings += [f"~{place}.{stale}" for stale in old if stale not in value]
            settings += overrides(value, old, place)
        else:
            settings.append(f"++{place}={_hydra(value)}")
    return settings


def _hydra(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_hydra(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_hydra(inner) for inner in value) + "]"
    return json.dumps(value)


def resume() -> None:
    """Train on the folds that train.max_hours cut, or that were stopped, then run what depends on them."""
    from goldfold.config import load_config

    stages = cut_short(load_config())
    if not stages:
        print("no training was cut short, so there is nothing to go on with; make repro runs what is not up to date")
        return
    for stage in stages:
        print(f"going on with {stage}", flush=True)
        _dvc("repro", "--force", "--single-item", stage)
    _dvc("repro")


def _dvc_names() -> list[str]:
    """The names of DVC's experiments."""
    done = subprocess.run(["dvc", "exp", "list", "--name-only"], capture_output=True, text=True, check=False)
    return done.stdout.split()


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()


def _dvc(*arguments: str) -> None:
    done = subprocess.run(["dvc", *arguments], check=False)
    if done.returncode:
        raise SystemExit(done.returncode)
