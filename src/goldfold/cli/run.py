"""Run a recipe of experiments/recipes as a DVC experiment of that name."""

import argparse
import sys
from pathlib import Path

from goldfold.cli.arguments import positive
from goldfold.config import parse_config
from goldfold.config.recipe import overlaid, read_recipe, read_text, read_yaml, with_values_of
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.programs import dvc, git
from goldfold.runs.paths import RECIPES, require_competition

PARAMS = Path("params.yaml")
ELSEWHERE = ("--queue", "--temp")
"""Options with which DVC runs in a copy of the present workspace."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a recipe, and options for DVC."""
    parser.add_argument("recipe", help="the recipe's name, without .yaml")
    explained = "--max-minutes M ends the training in time; the rest is passed on to dvc exp run: --queue, -S train.lr=0.01"
    parser.add_argument("options", nargs=argparse.REMAINDER, help=explained)


def run(args: argparse.Namespace) -> None:
    """Lay a recipe over params.yaml and `dvc exp run`; raises InputError if params.yaml has uncommitted changes."""
    name, path = args.recipe, RECIPES / f"{args.recipe}.yaml"
    own = argparse.ArgumentParser("goldfold run", add_help=False, allow_abbrev=False)
    own.add_argument("--max-minutes", type=positive)
    limit, options = own.parse_known_args([option for option in args.options if option != "--"])
    recipe = read_recipe(RECIPES, name)
    if limit.max_minutes:
        recipe = overlaid(recipe, {"train": {"max_hours": limit.max_minutes / 60}})
    if recipe.pop("sweep", None):
        print(f"{path}: running its settings, not its search; goldfold sweep {name} does that")
    if git("status", "--porcelain", str(PARAMS)).stdout.strip():
        raise InputError(
            "params.yaml has uncommitted changes, yours or those of the last recipe, and this recipe would be laid over them",
            mend="git restore params.yaml drops the changes; git commit params.yaml keeps them",
        )
    tree = overlaid(read_yaml(PARAMS), recipe)
    config = parse_config(tree, str(path))
    if not any("competition.path=" in option for option in options):
        require_competition(config)
    before = read_text(PARAMS)
    after = with_values_of(before, tree)
    _write(after)
    is_elsewhere = any(option in ELSEWHERE for option in options)
    if not is_elsewhere:
        print(f"params.yaml now has the settings of {path}; `git restore params.yaml` undoes that", flush=True)
    try:
        code = dvc("exp", "run", "--name", name, *options, kept=False).returncode
    finally:
        if is_elsewhere and PARAMS.read_text(encoding="utf-8") == after:
            _write(before)
    if code and name in dvc("exp", "list", "--name-only").stdout.split():
        print(f"\nthere is an experiment of that name: goldfold run {name} --force replaces it", file=sys.stderr)
    if code:
        raise SystemExit(code)


def _write(text: str) -> None:
    with written_whole(PARAMS) as draft:
        draft.write_text(text, encoding="utf-8")
