"""`goldfold …`: everything that a competitor does that is not a stage. Each command imports what it needs when it runs."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.errors import InputError, told_to_people

if TYPE_CHECKING:
    from goldfold.competition import Problem
    from goldfold.config import CompetitionConfig

CURRENT = Path("experiments/current")
PREPARED = Path("data/prepared")
RECIPES = Path("experiments/recipes")


def main() -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="goldfold", description="From a competition's files to a validated submission.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    add = commands.add_parser

    check = add("check", help="check params.yaml")
    check.set_defaults(function=lambda _: check_params())
    summary = add("summary", help="show the current result, with its test score where the labels are known")
    summary.set_defaults(function=lambda _: show_summary())
    run = add("run", help="run a recipe of experiments/recipes as a DVC experiment of that name")
    run.add_argument("recipe", help="the recipe's name, without .yaml")
    run.add_argument("dvc_options", nargs="*", metavar="-- options", help="passed on to dvc exp run, such as -- --queue")
    run.set_defaults(function=lambda given: run_recipe(given.recipe, given.dvc_options))
    ui = add("ui", help="open the MLflow UI on this repository's runs")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(function=lambda given: open_ui(given.port))
    demo = add("demo", help="write the embedded competition (a stage of data/demo/dvc.yaml)")
    demo.add_argument("folder", type=Path)
    demo.add_argument("solution", type=Path)
    demo.set_defaults(function=lambda given: write_demo(given.folder, given.solution))
    schema = add("schema", help="print the JSON schema of params.yaml")
    schema.set_defaults(function=lambda _: print(json.dumps(params_schema(), indent=2, ensure_ascii=False)))

    given = parser.parse_args()
    with told_to_people():
        given.function(given)


def check_params() -> None:
    """Check params.yaml; raises InputError that names what is wrong."""
    from goldfold.config import load_config

    load_config()


def show_summary() -> None:
    """Print the current result; score its submission where the test labels are known, and log that score."""
    from goldfold.config import load_config
    from goldfold.prediction import Submission, check_submission
    from goldfold.prepare import PreparedSet
    from goldfold.terminal import show_result
    from goldfold.tracking import log_test_score, read_origin
    from goldfold.validation import CVResult

    config = load_config()
    prepared = PreparedSet.load(PREPARED)
    path = CURRENT / "submission" / "submission.csv"
    if not path.is_file():
        raise InputError(f"there is no submission in {path.parent}", mend="run `dvc repro`")
    check_submission(path, prepared.sample, prepared.problem)
    score, told = _test_score(path, config.competition, prepared.problem)
    origin = read_origin(CURRENT / "tracking" / "predict.json")
    if score is not None and origin:
        log_test_score(origin, prepared.problem.scored_by.name, score, path.stat().st_mtime)
    cv = CVResult.load(CURRENT / "cv", prepared.problem)
    submission = Submission.load(path.parent, prepared.problem, prepared.sample)
    show_result(cv, submission, path, origin.get("name", "none"), told)


def _test_score(path: Path, competition: "CompetitionConfig", problem: "Problem") -> tuple[float | None, str | None]:
    """The score of a submission against the test labels, and what to tell of it; nothing where they are not known."""
    from goldfold.competition import read_solution
    from goldfold.prediction import score_submission
    from goldfold.terminal import number

    try:
        solution = read_solution(competition, problem)
        if solution is None:
            return None, None
        score = score_submission(path, solution, problem)
    except InputError as error:
        # The result stands, whatever is wrong with the labels: they may be another competition's.
        return None, f"none: {str(error).splitlines()[0]} (competition.solution)"
    return score, f"{problem.scored_by.name} {number(score)} against {competition.solution or 'the images that were held out'}"


def run_recipe(name: str, dvc_options: list[str]) -> None:
    """Replace this process by `dvc exp run` with the recipe's overrides."""
    from ruamel.yaml import YAML

    from goldfold.imports import nearest

    path = RECIPES / f"{name}.yaml"
    if not path.is_file():
        known = sorted(recipe.stem for recipe in RECIPES.glob("*.yaml"))
        raise InputError(f"there is no recipe {path}{nearest(name, known)}", known, "name one of these, or write it")
    yaml = YAML(typ="safe")
    settings = overrides(yaml.load(path.read_text(encoding="utf-8")), yaml.load(Path("params.yaml").read_text(encoding="utf-8")))
    command = ["dvc", "exp", "run", "--name", name, *(f"--set-param={setting}" for setting in settings), *dvc_options]
    os.execvp(command[0], command)


def overrides(recipe: dict[str, Any], base: dict[str, Any], path: str = "") -> list[str]:
    """A recipe as overrides in the grammar of `dvc exp run --set-param`.

    Sections are merged into the base; something with a name (a scheduler, a loss) takes the whole place of the old one.
    """
    settings = []
    for key, value in recipe.items():
        place = f"{path}.{key}" if path else key
        old = base.get(key) if isinstance(base, dict) else None
        if isinstance(value, dict) and isinstance(old, dict):
            if "name" in value:
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


def open_ui(port: int) -> None:
    """Replace this process by the MLflow UI on the store of this repository."""
    from goldfold.tracking import repository
    from goldfold.tracking.store import Store

    store = Store(repository())
    if store.uri.startswith("http"):
        print(f"the runs are at {store.uri}")
        return
    print(f"MLflow UI: http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    options = ["--backend-store-uri", store.uri, "--host", "127.0.0.1", "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *options])


def write_demo(folder: Path, solution: Path) -> None:
    """Write the embedded competition."""
    from goldfold.competition.demo import write_digits

    write_digits(folder, solution)


def params_schema() -> dict[str, Any]:
    """The JSON schema of params.yaml, which editors complete and check it by."""
    from goldfold.config import Config

    return Config.model_json_schema(by_alias=True)


if __name__ == "__main__":
    main()
