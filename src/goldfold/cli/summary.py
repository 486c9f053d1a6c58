"""`goldfold summary` and `goldfold ui`: what came out."""

import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import CURRENT, PREPARED, cut_short

if TYPE_CHECKING:
    import pandas as pd

    from goldfold.competition import Problem
    from goldfold.config import CompetitionConfig


def show_summary() -> None:
    """Print the current result; score its submission where the test labels are known, and log that score."""
    from goldfold.config import load_config
    from goldfold.prediction import Submission, check_submission
    from goldfold.prepare import PreparedSet
    from goldfold.report import PAGE
    from goldfold.terminal import show_result
    from goldfold.tracking import log_scores, read_origin
    from goldfold.validation import CVResult

    config = load_config()
    prepared = PreparedSet.load(PREPARED)
    path = CURRENT / "submission" / "submission.csv"
    if not path.is_file():
        raise InputError(f"there is no submission in {path.parent}", mend="run `dvc repro`")
    check_submission(path, prepared.sample, prepared.problem)
    score, told = test_score(path, config.competition, prepared.problem, prepared.test)
    origin = read_origin(CURRENT / "tracking" / "predict.json")
    if score is not None and origin:
        log_scores(origin, {f"{prepared.problem.scored_by.name}_test": score}, path.stat().st_mtime)
    cv = CVResult.load(CURRENT / "cv", prepared.problem)
    submission = Submission.load(path.parent, prepared.problem, prepared.sample)
    show_result(cv, submission, path, CURRENT / "report" / PAGE, origin.get("name", "none"), told, cut_short(config))


def test_score(
    path: Path, competition: "CompetitionConfig", problem: "Problem", test: "pd.DataFrame"
) -> tuple[float | None, str | None]:
    """The score of a submission against the test labels, and what to tell of it; nothing where they are not known."""
    from goldfold.competition import read_solution
    from goldfold.prediction import score_submission, with_columns
    from goldfold.terminal import number

    try:
        solution = read_solution(competition, problem)
        if solution is None:
            return None, None
        score = score_submission(path, with_columns(solution, test, problem), problem)
    except InputError as error:
        # The result stands, whatever is wrong with the labels: they may be another competition's.
        return None, f"none: {str(error).splitlines()[0]} (competition.solution)"
    return score, f"{problem.scored_by.name} {number(score)} against {competition.solution or 'the rows that were held out'}"


def open_ui(port: int) -> None:
    """Replace this process by the MLflow UI on the store of this repository."""
    from goldfold.scratch import repository
    from goldfold.tracking.store import Store

    store = Store(repository())
    if store.uri.startswith("http"):
        print(f"the runs are at {store.uri}")
        return
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise InputError(f"port {port} is taken, maybe by a UI that is open already", mend="goldfold ui --port 5001")
    print(f"MLflow UI: http://127.0.0.1:{port}  (Ctrl-C ends it)", flush=True)
    options = ["--backend-store-uri", store.uri, "--host", "127.0.0.1", "--port", str(port)]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", "ui", *options])
