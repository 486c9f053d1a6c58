"""Search a recipe's space for better settings, each trial an MLflow run, until its budget is spent."""

import argparse
import hashlib
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from goldfold.config import parse_config, parse_sweep
from goldfold.config.recipe import overlaid, read_recipe, read_yaml
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.identity import result_key
from goldfold.prepare import PreparedSet
from goldfold.prepare.apart import prepare_apart
from goldfold.runs.paths import RECIPES, SWEEPS
from goldfold.scratch import scratch_folder
from goldfold.sweep import Search, TrialResult
from goldfold.sweep.space import overlay
from goldfold.terminal import number
from goldfold.terminal.search import TrialLines, show_search
from goldfold.tracking.sweep import TrackedSearch, tracked_search
from goldfold.training import asked_to_stop
from goldfold.training.reporter import Notes
from goldfold.validation import CVResult
from goldfold.validation.comparison import Comparison, compare
from goldfold.validation.cross_validation import scored
from goldfold.validation.same_rows import on_same_rows


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a recipe, and what trains its folds."""
    parser.add_argument("recipe", help="the name or file of a recipe with a section sweep")
    parser.add_argument("--engine", choices=("here", "ray"), help="what trains the folds; by default runtime.engine")
    parser.add_argument("--write", action="store_true", help="write the best settings as the recipe <name>-best")


def run(args: argparse.Namespace) -> None:
    """Search the space of a recipe, each trial an MLflow run; print the best settings as an overlay, and their score."""
    name = Path(args.recipe).stem if args.recipe.endswith(".yaml") else args.recipe
    path = RECIPES / f"{name}.yaml"
    recipe = read_recipe(RECIPES, name)
    if "sweep" not in recipe:
        raise InputError(f"{path} holds no search", mend="give it a section sweep with a space and a budget (docs/sweep.md)")
    tree: dict[str, Any] = overlaid(read_yaml(Path("params.yaml")), {key: recipe[key] for key in recipe if key != "sweep"})
    if args.engine:
        tree = overlaid(tree, {"runtime": {"engine": args.engine}})
    config = parse_config(tree, str(path))
    settings = parse_sweep(recipe["sweep"], tree, str(path))
    prepared, notes = prepare_apart(config, scratch_folder()), Notes(print)
    key = _key(result_key(prepared, config), settings.model_dump_json(exclude={"trials", "hours"}))
    search = Search(settings, tree, prepared, SWEEPS / f"{name}-{key[:6]}", scratch_folder())
    lines = TrialLines(prepared.problem.scored_by.name, search)
    with tracked_search(config, prepared, name, key, settings.space) as tracked:
        with asked_to_stop() as stop:
            search.run(notes, [lines, tracked], stop)
        _conclude(name, recipe, search, prepared, tracked, args.write)


def _conclude(
    name: str, recipe: Mapping[str, Any], search: Search, prepared: PreparedSet, tracked: TrackedSearch, write: bool
) -> None:
    """Compare the best trial with the default settings, and print and write its settings as an overlay."""
    results = search.results()
    default, best = results[0], search.best()
    config, problem = search.config({}), prepared.problem
    groups = prepared.groups(config.split.group)
    cv = _judge(search, best, groups)
    comparison = None
    if best.name != default.name:
        pair = on_same_rows(problem, {default.name: search.cross_validation(default), best.name: cv})
        comparison = compare(problem, pair, config.validate_, groups)
    show_search(results, best, cv, comparison, search.spent)
    settings = overlay(recipe, best.values if comparison else {}, search.tree)
    text = _overlay(name, len(results) - 1, best, cv, comparison, settings)
    kept, target = search.folder / "best.yaml", RECIPES / f"{name}-best.yaml"
    for path in [kept, target] if write else [kept]:
        with written_whole(path) as draft:
            draft.write_text(text, encoding="utf-8")
    tracked.best(best, cv, search.folder / "best", comparison, kept)
    print(f"\n{text}")
    print("recipe     ", f"{target}; goldfold run {target.stem}" if write else f"{kept}; --write makes it {target}")
    print(f"MLflow run  {name}")


def _overlay(
    name: str, trials: int, best: TrialResult, cv: CVResult, comparison: Comparison | None, settings: dict[str, Any]
) -> str:
    """Return the best settings as a recipe, with their score in its first line."""
    scores, winner = cv.scores, "the default, which no trial has beaten"
    if comparison is not None:
        winner = f"{best.name}; the default has {number(comparison.scores[0])}"
    first = f"the best of {trials} trials of the search {name}: {scores.metric} {number(scores.score)}, {winner}"
    yaml, text = YAML(), io.StringIO()
    yaml.representer.add_representer(list, lambda to, values: to.represent_sequence("tag:yaml.org,2002:seq", values, True))
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.dump(settings, text)
    return f"# Tries: {first}.\n{text.getvalue()}"


def _judge(search: Search, best: TrialResult, groups: pd.Series | None) -> CVResult:
    """Return the cross-validation of the best trial, with the interval of its score."""
    quick = search.cross_validation(best)
    cv = scored(quick.problem, quick.oof, search.config(best.values if best.name != "default" else {}).validate_, groups)
    cv.save(search.folder / "best")
    return cv


def _key(result: str, search: str) -> str:
    """Return a hash of the default's result and of the search without its budget."""
    return hashlib.blake2b(f"{result} {search}".encode(), digest_size=8).hexdigest()
