"""`goldfold blend`: more score from runs that are there already."""

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import BLENDS, PREPARED
from goldfold.runs.run import Run, find_runs, groups_of

if TYPE_CHECKING:
    from goldfold.competition import Problem
    from goldfold.config import Scale
    from goldfold.prediction.blend import Blend, BlendSettings, Method

WORDS = {"hill": "hill climbing", "slsqp": "slsqp", "equal": "equal weights"}


def blend_runs(names: Sequence[str], name: str | None, method: "Method", on: "Scale | None", model: str | None) -> None:
    """Blend runs, print how the blend scores beside its members, and write and log it as a result of its own."""
    from goldfold.cli.summary import test_score
    from goldfold.config import load_config
    from goldfold.prediction.blend import blend
    from goldfold.prepare import PreparedSet
    from goldfold.tracking import log_scores
    from goldfold.tracking.results import log_blend
    from goldfold.validation.same_rows import on_same_rows

    config, prepared = load_config(), PreparedSet.load(PREPARED)
    problem = prepared.problem
    settings = _settings(problem, method, on, model)
    # What is current now has another name tomorrow.
    found = [replace(run, name=run.tracked.get("name", run.name)) for run in find_runs(names, config)]
    runs = sorted(found, key=lambda run: run.name)
    name = name or _default_name(settings, runs)
    _require(name, runs)
    results = on_same_rows(problem, {run.name: run.cv(problem) for run in runs})
    test = {run.name: run.test(problem, prepared.test[problem.id]) for run in runs}
    groups = groups_of(prepared, runs, results[runs[0].name].oof[problem.id])
    made = blend(problem, results, test, prepared.sample, settings, config.validate_, groups)
    folder = BLENDS / name
    made.save(folder)
    group = next((run.group for run in runs if run.group), None)
    origin = log_blend(prepared, name, made, {run.name: run.origin for run in runs}, group, folder)
    path = folder / "submission" / "submission.csv"
    score, told = test_score(path, config.competition, problem, prepared.test)
    if score is not None:
        log_scores(origin, {f"{problem.scored_by.name}_test": score}, path.stat().st_mtime)
    show_blend(made, name, path, told)


def show_blend(blend: "Blend", name: str, path: Path, test_score: str | None) -> None:
    """Print a blend: its members with their weights, its nested score and the optimistic one, and where it lies."""
    from goldfold.terminal import number, show_cv, show_submission

    metric, settings = blend.cv.scores.metric, blend.settings
    aim = "" if settings.method == "equal" else f", fitted to {blend.fitted_to}"
    made_by = WORDS.get(settings.method, f"a stack by {settings.model or 'a linear model'}")
    width = max(len(member) for member in blend.members)
    for member, score in blend.members.items():
        weight = f"  weight {blend.weights[member]:.3f}" if blend.weights else ""
        print(f"member      {member:<{width}}  {metric} {number(score)}{weight}")
    print(f"blend       {name}: {made_by} on {settings.on}{aim}")
    show_cv(blend.cv)
    if settings.method != "equal":
        print(f"optimistic  {metric} {number(blend.optimistic)} on the rows it was fitted to; the CV above is nested")
    show_submission(blend.submission, path, test_score)
    print(f"MLflow run  {name}")


def _settings(problem: "Problem", method: "Method", on: "Scale | None", model: str | None) -> "BlendSettings":
    from goldfold.prediction.blend import BlendSettings

    if model and method != "stack":
        raise InputError(f"--model {model} is for a stack", mend="add --method stack, or leave --model out")
    usual: Scale = "logits" if method == "stack" and problem.task != "regression" else "predictions"
    return BlendSettings(method, on or usual, model)


def _default_name(settings: "BlendSettings", runs: Sequence[Run]) -> str:
    """A name that says the method, and differs between other members and settings."""
    import hashlib

    told = repr((settings, [(run.name, run.origin) for run in runs]))
    return f"blend-{settings.method}-{hashlib.blake2b(told.encode(), digest_size=3).hexdigest()}"


def _require(name: str, runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise InputError("there is nothing to blend with one run", mend="name two runs or more")
    if not re.fullmatch(r"\w[\w.-]*", name) or name in ("current", *(run.name for run in runs)):
        raise InputError(
            f"--name {name} cannot be a blend's",
            mend="use letters, digits, dots and dashes; not current, and no member's name",
        )
    if _is_other_run(name):
        raise InputError(f"--name {name} is another run's, which is no blend", mend="give a name that no run has")


def _is_other_run(name: str) -> bool:
    """Whether a run of that name is there that is no blend: a blend takes the place of another one alone."""
    from goldfold.tracking.results import MEMBERS, TrackedResult

    with suppress(InputError):
        return MEMBERS not in TrackedResult.find(name).tags
    return False
