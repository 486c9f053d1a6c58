"""Show the current result, with its test score if the labels are known."""

import argparse
from dataclasses import asdict

from goldfold.as_json import Answer
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.prediction import Submission, check_submission
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED, REPORT, cut_short
from goldfold.runs.run import find_run
from goldfold.runs.scores import score_by_solution
from goldfold.terminal import show_result
from goldfold.tracking import log_scores
from goldfold.tracking.delivery import catch_up


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments."""


def run(args: argparse.Namespace) -> Answer:
    """Print the current result; if the test labels are known, score its submission and log the score."""
    config, prepared, current = load_config(), PreparedSet.load(PREPARED), find_run("current")
    problem = prepared.problem
    path = current.folder("submission") / "submission.csv"
    if not path.is_file():
        raise InputError(f"there is no submission in {path.parent}", mend="run `dvc repro`")
    check_submission(path, prepared.sample, problem)
    test = score_by_solution(path, config.competition, prepared)
    if test is not None and test.score is not None and current.origin:
        log_scores(current.origin, {f"{problem.scored_by.name}_test": test.score}, path.stat().st_mtime)
    else:
        catch_up()
    submission = Submission.load(path.parent, problem, prepared.sample)
    name = current.origin.name if current.origin else "none"
    cv, cut = current.cv(problem), cut_short(config)
    show_result(cv, submission, path, REPORT, name, test, cut, len(config.predict.refits))
    return {
        "run": name,
        **asdict(cv.scores),
        "submission": path,
        "is_whole": submission.is_whole,
        "test_score": test.score if test else None,
        "cut_short": cut,
        "refits": len(config.predict.refits),
        "report": REPORT,
    }
