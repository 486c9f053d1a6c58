"""The commands and their arguments. Each command imports what it needs when it runs."""

import argparse
import json
from pathlib import Path
from typing import Any

from goldfold.process import run_to_end


def main() -> None:
    """Run the command that the arguments name."""
    parser = argparse.ArgumentParser(prog="goldfold", description="From a competition's files to a validated submission.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    add = commands.add_parser

    start = add("init", help="look at a competition's files, from Kaggle or a folder, and write params.yaml for them")
    start.add_argument("source", metavar="SLUG | PATH", help="a competition's name on Kaggle, or a folder, zip or table")
    start.add_argument("settings", nargs="*", metavar="key=value", help="settings of competition that win, such as target=price")
    start.add_argument("--print", action="store_true", dest="show", help="print params.yaml, and leave it and DVC alone")
    start.set_defaults(function=_init)

    doctor = add("doctor", help="check environment, data, settings, disk, tracking store and credentials")
    doctor.set_defaults(function=_doctor)

    check = add("check", help="check params.yaml")
    check.set_defaults(function=lambda _: check_params())

    summary = add("summary", help="show the current result, with its test score where the labels are known")
    summary.set_defaults(function=_summary)

    run = add("run", help="run a recipe of experiments/recipes as a DVC experiment of that name")
    run.add_argument("recipe", help="the recipe's name, without .yaml")
    passed = "what follows goes to dvc exp run, such as --queue or -S train.lr=0.01"
    run.add_argument("dvc_options", nargs=argparse.REMAINDER, metavar="options", help=passed)
    run.set_defaults(function=_run)

    resume = add("resume", help="train on what train.max_hours cut short, then run what depends on it")
    resume.set_defaults(function=_resume)

    finder = add("lr-find", help="find a learning rate: the loss while the rate rises, as a plot")
    finder.add_argument("--fold", type=int, help="by default the first of split.folds")
    finder.add_argument("--steps", type=int, default=100)
    finder.set_defaults(function=_lr_find)

    overfit = add("overfit", help="fit one batch by heart: the first thing to try when a model does not learn")
    overfit.add_argument("--fold", type=int, help="by default the first of split.folds")
    overfit.add_argument("--steps", type=int, default=200)
    overfit.set_defaults(function=_overfit)

    predict = add("predict", help="predict images, folders of them or tables of rows, and print the most probable classes")
    predict.add_argument("paths", nargs="+", type=Path)
    predict.add_argument("--top", type=_at_least_one, default=3, help="classes to print per row")
    predict.add_argument("--run", help="the name or id of an MLflow run; by default the current result, all folds averaged")
    predict.add_argument("--fold", type=int, help="one fold's model alone")
    predict.set_defaults(function=_predict)

    export = add("export", help="write the best model to ONNX, TorchScript and torch.export, checked on real rows")
    export.add_argument("--run", help="the name or id of an MLflow run; by default the current result")
    export.add_argument("--fold", type=int, help="this fold's model; by default the one with the best score")
    export.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    export.add_argument("--out", type=Path, default=Path("experiments/export"))
    export.set_defaults(function=_export)

    compare = add("compare", help="compare two runs on the same out-of-fold rows: is the difference more than noise?")
    compare.add_argument("runs", nargs=2, metavar="run", help="the name or id of an MLflow run, or current")
    compare.set_defaults(function=_compare)

    blend = add("blend", help="blend runs into one, by weights or a stack that nested cross-validation scores")
    blend.add_argument("runs", nargs="+", metavar="run", help="the name or id of an MLflow run, or current")
    blend.add_argument("--name", help="the blend's name, by which it can be compared and blended in its turn")
    blend.add_argument("--method", choices=METHODS, default="hill", help="hill climbing by default")
    blend.add_argument("--on", choices=SCALES, help="by default predictions; logits for a stack of probabilities")
    blend.add_argument("--model", help="a stack's scikit-learn model, sklearn.ensemble:RandomForestClassifier or own.file:name")
    blend.set_defaults(function=_blend)

    pseudo = add("pseudo-label", help="label the test rows by a run's models, to train on them")
    pseudo.add_argument("run", nargs="?", default="current", help="the name or id of an MLflow run; else the current result")
    pseudo.set_defaults(function=_pseudo_label)

    submit = add("submit", help="check a run's submission again, send it to Kaggle, and wait for the score")
    submit.add_argument("run", nargs="?", default="current", help="the name or id of an MLflow run; else the current result")
    submit.add_argument("-m", "--message", help="what Kaggle shows beside it; by default the run's name and CV")
    submit.add_argument("--wait", type=float, default=10, metavar="MINUTES", help="how long to wait for the score; 10")
    submit.add_argument("--yes", action="store_true", help="send a file that was sent before without asking")
    submit.add_argument("--refresh", action="store_true", help="send nothing; fetch the scores of what was sent")
    submit.set_defaults(function=_submit)

    score = add("score", help="score a run's submission against known test labels")
    score.add_argument("run", nargs="?", default="current", help="the name or id of an MLflow run; else the current result")
    score.add_argument("--solution", type=Path, help="a table of the test labels; by default competition.solution")
    score.set_defaults(function=_score)

    board = add("leaderboard", help="all runs: their CV, their scores on the leaderboard, what they changed")
    board.add_argument("--by", choices=ORDERS, default="cv", help="what they are sorted by; cv")
    board.add_argument("--offline", action="store_true", help="do not ask Kaggle; scores are those last seen")
    board.set_defaults(function=_leaderboard)

    sweep = add("sweep", help="search a recipe's space for better settings, each trial an MLflow run, until its budget is spent")
    sweep.add_argument("recipe", help="the name, or the file, of a recipe with a section sweep")
    sweep.add_argument("--write", action="store_true", help="write the best settings as the recipe <name>-best")
    sweep.set_defaults(function=_sweep)

    report = add("report", help="write a run as one HTML file: curves, errors with their images, calibration, settings")
    report.add_argument("run", nargs="?", default="current", help="the name or id of an MLflow run; else the current result")
    report.set_defaults(function=_report)

    prune = add("prune", help="delete the checkpoints of all runs but the best and the submitted ones, after asking")
    prune.add_argument("--keep", type=_at_least_one, default=10, help="how many of the best runs keep theirs; 10 by default")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    prune.set_defaults(function=_prune)

    bundle = add("bundle", help="a run as one folder that predicts without a network, for a code competition")
    bundle.add_argument("run", nargs="?", default="current", help="the name or id of an MLflow run; else the current result")
    bundle.add_argument("--out", type=Path, help="the folder; by default experiments/bundles/<run>")
    bundle.add_argument("--data", type=Path, help="where the notebook finds the competition; by default /kaggle/input/<name>")
    bundle.add_argument("--test-rows", type=_at_least_one, help="the rows of the hidden test set; by default the test table's")
    bundle.add_argument("--hours", type=float, default=9.0, help="the competition's limit; 9 by default")
    bundle.add_argument("--megabytes", type=float, default=20_000, help="the largest size of the folder; 20,000 by default")
    bundle.add_argument("--wheels", nargs="+", default=[], metavar="PACKAGE", help="packages to bring along, in the version here")
    bundle.set_defaults(function=_bundle)

    ui = add("ui", help="open the MLflow UI on this repository's runs")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(function=_ui)

    demo = add("demo", help="write the embedded competition (a stage of data/demo/dvc.yaml)")
    demo.add_argument("folder", type=Path)
    demo.add_argument("solution", type=Path)
    demo.set_defaults(function=_demo)

    schema = add("schema", help="print the JSON schema of params.yaml")
    schema.set_defaults(function=lambda _: print(json.dumps(params_schema(), indent=2, ensure_ascii=False)))

    given = parser.parse_args()
    run_to_end(lambda: given.function(given))


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a whole number from 1 on, not {text}")
    return int(text)


FORMATS = ["onnx", "torchscript", "torch_export"]
METHODS = ["hill", "slsqp", "equal", "stack"]
SCALES = ["predictions", "logits", "ranks"]
ORDERS = ["cv", "public", "private", "test", "time", "name"]


def check_params() -> None:
    """Check params.yaml; raises InputError that names what is wrong."""
    from goldfold.config import load_config
    from goldfold.imports import find_modality_part
    from goldfold.metrics import find_metric
    from goldfold.runs.paths import require_competition

    config = load_config()
    if config.competition.metric is not None:
        find_metric(config.competition.metric.name, config.competition.task, config.competition.metric.args)
    steps = config.validate_.postprocess
    if steps and steps != "auto":
        from goldfold.inference.postprocess import require_steps

        require_steps(steps)
    if augmentation := find_modality_part(config.competition.modality, "augmentation"):
        for change in config.predict.tta:
            augmentation.build_augmentation([change], section="predict.tta")
    require_competition(config)
    print("params.yaml has no mistake in its keys and values")


def params_schema() -> dict[str, Any]:
    """The JSON schema of params.yaml, which editors complete and check it by."""
    from goldfold.config import config_class
    from goldfold.imports import known_modalities

    return config_class(*known_modalities()).model_json_schema(by_alias=True)


def _init(given: argparse.Namespace) -> None:
    from goldfold.cli.init import init

    init(given.source, given.settings, given.show)


def _doctor(_: argparse.Namespace) -> None:
    from goldfold.cli.doctor import doctor

    doctor()


def _summary(_: argparse.Namespace) -> None:
    from goldfold.cli.summary import show_summary

    show_summary()


def _run(given: argparse.Namespace) -> None:
    from goldfold.cli.experiments import run_recipe

    run_recipe(given.recipe, [option for option in given.dvc_options if option != "--"])


def _resume(_: argparse.Namespace) -> None:
    from goldfold.cli.experiments import resume

    resume()


def _lr_find(given: argparse.Namespace) -> None:
    from goldfold.cli.diagnosis import lr_find

    lr_find(given.fold, given.steps)


def _overfit(given: argparse.Namespace) -> None:
    from goldfold.cli.diagnosis import overfit_batch

    overfit_batch(given.fold, given.steps)


def _predict(given: argparse.Namespace) -> None:
    from goldfold.cli.models import predict_paths

    predict_paths(given.paths, given.top, given.run, given.fold)


def _export(given: argparse.Namespace) -> None:
    from goldfold.cli.models import export_model

    export_model(given.run, given.fold, given.formats, given.out)


def _compare(given: argparse.Namespace) -> None:
    from goldfold.cli.compare import compare_runs

    compare_runs(given.runs)


def _blend(given: argparse.Namespace) -> None:
    from goldfold.cli.blend import blend_runs

    blend_runs(given.runs, given.name, given.method, given.on, given.model)


def _pseudo_label(given: argparse.Namespace) -> None:
    from goldfold.cli.pseudo_label import pseudo_label

    pseudo_label(given.run)


def _submit(given: argparse.Namespace) -> None:
    from goldfold.cli.submit import refresh_scores, submit_run

    if given.refresh:
        refresh_scores()
    else:
        submit_run(given.run, given.message, given.wait * 60, given.yes)


def _score(given: argparse.Namespace) -> None:
    from goldfold.cli.score import score_run

    score_run(given.run, given.solution)


def _leaderboard(given: argparse.Namespace) -> None:
    from goldfold.cli.leaderboard import show_leaderboard

    show_leaderboard(given.by, given.offline)


def _sweep(given: argparse.Namespace) -> None:
    from goldfold.cli.sweep import sweep_recipe

    sweep_recipe(given.recipe, given.write)


def _report(given: argparse.Namespace) -> None:
    from goldfold.cli.report import write_run_report

    write_run_report(given.run)


def _prune(given: argparse.Namespace) -> None:
    from goldfold.cli.prune import prune_runs

    prune_runs(given.keep, given.yes)


def _bundle(given: argparse.Namespace) -> None:
    from goldfold.cli.bundle import bundle_run

    bundle_run(given.run, given.out, given.data, given.test_rows, given.hours, given.megabytes, given.wheels)


def _ui(given: argparse.Namespace) -> None:
    from goldfold.cli.summary import open_ui

    open_ui(given.port)


def _demo(given: argparse.Namespace) -> None:
    from goldfold.competition.demo import write_digits

    write_digits(given.folder, given.solution)


if __name__ == "__main__":
    main()
