"""`goldfold sweep`: better settings, searched for."""

import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.errors import InputError
from goldfold.runs.paths import RECIPES, SWEEPS

if TYPE_CHECKING:
    import pandas as pd

    from goldfold.competition import Problem
    from goldfold.prepare import PreparedSet
    from goldfold.sweep import Search, Tried
    from goldfold.tracking.sweep import TrackedSearch
    from goldfold.validation import CVResult
    from goldfold.validation.comparison import Comparison


def sweep_recipe(given: str, write: bool) -> None:
    """Search the space of a recipe, each trial an MLflow run; print the best settings as an overlay, and what they are worth."""
    from goldfold.config import parse_config, parse_sweep
    from goldfold.config.recipe import overlaid, read_recipe, read_yaml
    from goldfold.identity import result_key
    from goldfold.scratch import scratch_folder
    from goldfold.sweep import Search
    from goldfold.sweep.trial import Notes, prepare_trial
    from goldfold.tracking.sweep import tracked_search
    from goldfold.training import asked_to_stop

    name = Path(given).stem if given.endswith(".yaml") else given
    path = RECIPES / f"{name}.yaml"
    recipe = read_recipe(RECIPES, name)
    if "sweep" not in recipe:
        raise InputError(f"{path} holds no search", mend="give it a section sweep with a space and a budget (docs/sweep.md)")
    tree: dict[str, Any] = overlaid(read_yaml(Path("params.yaml")), {key: recipe[key] for key in recipe if key != "sweep"})
    config = parse_config(tree, str(path))
    settings = parse_sweep(recipe["sweep"], tree, str(path))
    prepared, notes = prepare_trial(config, scratch_folder()), Notes(print)
    key = _key(result_key(prepared, config), settings.model_dump_json(exclude={"trials", "hours"}))
    search = Search(settings, tree, prepared, SWEEPS / f"{name}-{key[:6]}", scratch_folder())
    told = TrialLines(prepared.problem, search)
    with tracked_search(config, prepared, name, key, settings.space) as tracked:
        with asked_to_stop(None) as stop:
            search.run(notes, [told, tracked], stop)
        _conclude(name, recipe, search, prepared, tracked, write)


class TrialLines:
    """Prints a line for each trial."""

    def __init__(self, problem: "Problem", search: "Search") -> None:
        from goldfold.terminal import number

        self.metric, self.number = problem.scored_by.name, number
        tried = len(search.tried())
        if tried:
            best = search.best()
            print(f"going on    {tried - 1} trials were tried, best {self.metric} {number(best.score or 0)} by {best.name}")

    def started(self, name: str, values: Mapping[str, Any]) -> None: ...

    def ended(self, tried: "Tried", best: bool) -> None:
        from goldfold.terminal import clock

        score = "" if tried.score is None else f"{self.metric} {self.number(tried.score)}{'  best' if best else ''}"
        how = {"complete": score, "pruned": f"pruned in {tried.why}", "failed": f"failed: {tried.why}", "stopped": "stopped"}
        print(f"{tried.name:<11} {how[tried.state]:<29}  {_values(tried.values)}  {clock(tried.seconds)}", flush=True)


def _conclude(
    name: str, recipe: Mapping[str, Any], search: "Search", prepared: "PreparedSet", tracked: "TrackedSearch", write: bool
) -> None:
    """Say which trial is the best and what it is worth against the default, and give its settings as an overlay."""
    from goldfold.files import written_whole
    from goldfold.sweep.space import overlay
    from goldfold.validation.comparison import compare
    from goldfold.validation.same_rows import on_same_rows

    tried = search.tried()
    default, best = tried[0], search.best()
    config, problem = search.config({}), prepared.problem
    groups = prepared.train.set_index(problem.id)[config.split.group] if config.split.group else None
    cv = _judged_fully(search, best, groups)
    comparison = None
    if best.name != default.name:
        results = on_same_rows(problem, {default.name: search.result(default), best.name: cv})
        comparison = compare(problem, results, config.validate_, groups)
    _show(tried, default, best, cv, comparison, search.spent)
    text = _overlay(name, tried, best, cv, comparison, overlay(recipe, best.values if comparison else {}, search.tree))
    place, target = search.folder / "best.yaml", RECIPES / f"{name}-best.yaml"
    for path in [place, target] if write else [place]:
        with written_whole(path) as draft:
            draft.write_text(text, encoding="utf-8")
    tracked.best(best, cv, search.folder / "best", comparison, place)
    print(f"\n{text}")
    told = f"{target}; goldfold run {target.stem}" if write else f"{place}; --write makes it {target}"
    print(f"recipe      {told}")
    print(f"MLflow run  {name}")


def _show(
    tried: Sequence["Tried"], default: "Tried", best: "Tried", cv: "CVResult", comparison: "Comparison | None", seconds: float
) -> None:
    from goldfold.cli.compare import show_comparison
    from goldfold.terminal import clock, show_cv

    counts = Counter(each.state for each in tried[1:])
    told = ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"\ntried       {len(tried) - 1} trials: {told}, {clock(seconds)}")
    if comparison is None:
        print("best        none is better than the default")
    else:
        print(f"best        {best.name}: {_values(best.values)}")
        show_comparison(comparison)
    show_cv(cv)
    if comparison is not None:
        print(
            f"optimistic  the best of {len(tried) - 1} trials was chosen on the rows that score it: expect less of it on new rows"
        )


def _overlay(
    name: str, tried: Sequence["Tried"], best: "Tried", cv: "CVResult", comparison: "Comparison | None", settings: dict[str, Any]
) -> str:
    """The best settings as a recipe, whose first line says what it is worth."""
    from ruamel.yaml import YAML

    from goldfold.terminal import number

    scores, told = cv.scores, "the default, which no trial has beaten"
    if comparison is not None:
        told = f"{best.name}; the default has {number(comparison.scores[0])}"
    first = (
        f"# Tries: the best of {len(tried) - 1} trials of the search {name}: {scores.metric} {number(scores.score)}, {told}.\n"
    )
    yaml, written = YAML(), io.StringIO()
    yaml.representer.add_representer(list, lambda to, values: to.represent_sequence("tag:yaml.org,2002:seq", values, True))
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml.dump(settings, written)
    return first + written.getvalue()


def _judged_fully(search: "Search", best: "Tried", groups: "pd.Series | None") -> "CVResult":
    """The cross-validation of the best trial, with the interval of its score."""
    from goldfold.validation.validate import scored

    quick = search.result(best)
    cv = scored(quick.problem, quick.oof, search.config(best.values if best.name != "default" else {}).validate_, groups)
    cv.save(search.folder / "best")
    return cv


def _values(values: Mapping[str, Any]) -> str:
    """Values by the last part of their key, where no other ends on it."""
    last = Counter(key.rpartition(".")[2] for key in values)
    names = {key: short if last[short := key.rpartition(".")[2]] == 1 else key for key in values}
    return "  ".join(f"{names[key]} {f'{value:.3g}' if isinstance(value, float) else value}" for key, value in values.items())


def _key(result: str, search: str) -> str:
    """What a search is known by: what the default's result is, and the search but for its budget."""
    return hashlib.blake2b(f"{result} {search}".encode(), digest_size=8).hexdigest()
