"""Write a run's report as one HTML file: curves, errors with their images, calibration, settings."""

import argparse
from contextlib import suppress

from goldfold.as_json import Answer
from goldfold.cli.arguments import add_run
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.files import read_json
from goldfold.prepare import PreparedSet
from goldfold.report import PAGE, About, build_report, save_report
from goldfold.runs.blends import BLEND, WORTH
from goldfold.runs.paths import PREPARED, REPORTS
from goldfold.runs.run import Run, find_run
from goldfold.runs.scores import score_by_solution
from goldfold.tracking import log_report, provenance


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run."""
    add_run(parser)


def run(args: argparse.Namespace) -> Answer:
    """Write the report of the current result, with its test score if the labels are known, or of an MLflow run.

    The report of the current result is logged to its run too. A run with a report gives that one; for any other, such as a
    blend, the report is made from its artifacts.
    """
    reported = find_run(args.run)
    page = _of_tracked(reported) if reported.id else _of_current(reported)
    path = REPORTS / reported.tracked_name / PAGE
    save_report(page, path)
    if reported.origin and not reported.id:
        log_report(reported.origin, path)
    print(f"report      {path}: {path.stat().st_size / 1e6:.2g} MB, one file, for any browser")
    return {"run": reported.tracked_name, "report": path}


def _of_current(current: Run) -> str:
    prepared, folds = PreparedSet.load(PREPARED), current.folds()
    for fold in folds:
        fold.require_prepared(prepared)
    submission = current.folder("submission") / "submission.csv"
    test = score_by_solution(submission, load_config().competition, prepared) if submission.is_file() else None
    tags = provenance()
    if current.origin:
        # The run's tags name the code that made the result, which may have changed since.
        with suppress(InputError):
            tags = dict(find_run(current.origin.name).tags)
    about = About(current.tracked_name, current.params, tags, test.score if test else None)
    return build_report(prepared, current.cv(prepared.problem), folds, about)


def _of_tracked(tracked: Run) -> str:
    kept = tracked.artifacts("report")
    if kept is not None:
        return (kept / PAGE).read_text(encoding="utf-8")
    prepared = PreparedSet.load(PREPARED)
    cv, folds = tracked.cv(prepared.problem), tracked.folds() if tracked.artifacts("folds") else []
    made = tracked.artifacts(BLEND) if tracked.is_blend else None
    worth = read_json(made / WORTH) if made and (made / WORTH).is_file() else None
    about = About(tracked.name, tracked.params, tracked.tags, tracked.metrics.get(f"{cv.scores.metric}_test"), worth)
    return build_report(prepared, cv, folds, about)
