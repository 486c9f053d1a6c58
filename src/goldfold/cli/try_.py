"""Try params.yaml, or a recipe, on a few rows within a minute: what all of it would take; no run is tracked."""

import argparse
import time
from dataclasses import asdict
from pathlib import Path

from goldfold.as_json import Answer
from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.config.recipe import overlaid, read_recipe, read_yaml
from goldfold.engines.forks import begin_imports
from goldfold.runs.paths import RECIPES, require_competition
from goldfold.scratch import scratch_folder
from goldfold.terminal.trial import show_estimate


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a recipe."""
    parser.add_argument("recipe", nargs="?", help="of experiments/recipes, without .yaml; by default params.yaml as it is")


def run(args: argparse.Namespace) -> Answer:
    """Rehearse, then train on a few rows and print what all of it would take.

    Raises InputError with what is wrong, and BudgetError where a minute is too short to tell.
    """
    began, tree = time.monotonic(), read_yaml(Path("params.yaml"))
    if args.recipe:
        recipe = read_recipe(RECIPES, args.recipe)
        recipe.pop("sweep", None)
        tree = overlaid(tree, recipe)
    name = args.recipe or "params.yaml"
    config = parse_config(tree, name)
    require_competition(config)
    begin_imports(config)
    competition = read_competition(config.competition, config.prepare)

    from goldfold.race.scaling import estimate
    from goldfold.rehearsal import rehearse

    rehearsed = rehearse(config, lambda: competition, scratch_folder())
    found = estimate(config, competition, scratch_folder())
    show_estimate(name, found, time.monotonic() - began)
    return {"tried": name, "rehearsed": rehearsed, **asdict(found)}
