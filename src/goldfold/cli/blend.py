"""Blend runs by weights or a stack, scored by nested cross-validation."""

import argparse
import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import get_args

from goldfold.as_json import Answer
from goldfold.blending import BlendSettings, Method, blend, default_scale
from goldfold.config import Scale, load_config
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.runs.blends import level_one
from goldfold.runs.paths import BLENDS, PREPARED
from goldfold.runs.run import Run, find_run, find_runs, groups_of
from goldfold.runs.scores import score_by_solution
from goldfold.terminal.runs import show_blend
from goldfold.tracking import log_scores
from goldfold.tracking.results import log_blend

AUTO = "auto"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the runs, and how to blend them."""
    parser.add_argument("runs", nargs="+", metavar="run", help="the name or id of an MLflow run, or current")
    parser.add_argument("--name", help="the blend's name, for comparing or blending it further")
    parser.add_argument(
        "--method",
        choices=(*get_args(Method), AUTO),
        default="hill",
        help="hill by default; auto tries five",
    )
    parser.add_argument("--on", choices=get_args(Scale), help="what is weighted; by default what suits the method and the metric")
    parser.add_argument("--negative", action="store_true", help="allow weights below zero")
    parser.add_argument("--model", help="a stack's scikit-learn model, sklearn.ensemble:RandomForestClassifier or own.file:name")


def run(args: argparse.Namespace) -> Answer:
    """Blend runs, print the blend's score beside its members', and write and log it as a result of its own."""
    config, prepared = load_config(), PreparedSet.load(PREPARED)
    problem = prepared.problem
    _require_options(args)
    # The current result will be another tomorrow: it goes by its run's name.
    named = [replace(run, name=run.origin.name) if run.origin and not run.id else run for run in find_runs(args.runs)]
    runs = sorted(named, key=lambda run: run.name)
    name = args.name or _default_name(args, runs)
    _require(name, runs)
    level = level_one(prepared, runs)
    settings = None
    if args.method != AUTO:
        settings = BlendSettings(args.method, args.on or default_scale(level, args.method), args.model, args.negative)
    groups = groups_of(prepared, runs, level.table[problem.id])
    ids = {run.name: run.id or run.name for run in runs}
    blended = replace(blend(level, prepared.sample, settings, config.validate_, groups, args.negative), runs=ids)
    folder = BLENDS / name
    blended.save(folder)
    group = next((run.group for run in runs if run.group), None)
    origin = log_blend(prepared, name, blended, group, folder)
    path = folder / "submission" / "submission.csv"
    score = score_by_solution(path, config.competition, prepared)
    if score is not None and score.score is not None:
        log_scores(origin, {f"{problem.scored_by.name}_test": score.score}, path.stat().st_mtime)
    show_blend(blended, name, path, score)
    scores = {"low": blended.cv.scores.low, "high": blended.cv.scores.high, "confidence": blended.cv.scores.confidence}
    return {"run": name, **blended.to_json(), **scores, "submission": path, "test_score": score.score if score else None}


def _require_options(args: argparse.Namespace) -> None:
    if args.model and args.method != "stack":
        raise InputError(f"--model {args.model} is for a stack", mend="add --method stack, or leave --model out")
    if args.on and args.method == AUTO:
        raise InputError(f"--on {args.on}: auto chooses the scale as well", mend="leave --on out, or name a --method")


def _default_name(args: argparse.Namespace, runs: Sequence[Run]) -> str:
    """Return a name with the method and a hash of members and settings."""
    content = repr((args.method, args.on, args.model, args.negative, [(run.name, run.id) for run in runs]))
    return f"blend-{args.method}-{hashlib.blake2b(content.encode(), digest_size=3).hexdigest()}"


def _require(name: str, runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise InputError("there is nothing to blend with one run", mend="name two runs or more")
    if not re.fullmatch(r"\w[\w.-]*", name) or name in ("current", *(run.name for run in runs)):
        raise InputError(
            f"--name {name} cannot name a blend",
            mend="use letters, digits, dots and dashes, but not current nor a member's name",
        )
    if _is_other_run(name):
        raise InputError(f"--name {name} belongs to a run that is not a blend", mend="give a name that no run has")


def _is_other_run(name: str) -> bool:
    """Return whether there is a run of that name that is not a blend; a blend replaces other blends alone."""
    with suppress(InputError):
        return not find_run(name).is_blend
    return False
