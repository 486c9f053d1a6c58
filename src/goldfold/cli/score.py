"""Score a submission against known test labels."""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from goldfold.as_json import Answer
from goldfold.cli.arguments import RUN
from goldfold.competition import read_solution
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.prediction import rewrite_submission, with_columns
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import find_run
from goldfold.runs.scores import scores_by_part
from goldfold.terminal import number
from goldfold.tracking import log_scores


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run, or a submission made elsewhere, and a table of labels."""
    parser.add_argument("run", nargs="?", default="current", help=f"{RUN}; or a submission's file, made elsewhere")
    parser.add_argument("--solution", type=Path, help="a table of the test labels; by default competition.solution")


def run(args: argparse.Namespace) -> Answer:
    """Print and log the score of a run's submission, or of a file, against the labels of a table, or of competition.solution.

    With a column Usage, as in Kaggle's solutions, the public and the private rows are scored as well.
    """
    competition, prepared = load_config().competition, PreparedSet.load(PREPARED)
    problem, scored = prepared.problem, None if Path(args.run).is_file() else find_run(args.run)
    if args.solution is not None:
        competition = competition.model_copy(update={"solution": str(args.solution)})
    labels = read_solution(competition, problem, prepared.sample, prepared.test)
    if labels is None:
        raise InputError(
            "the test labels are not known", mend="name a table of them: --solution FILE, or competition.solution in params.yaml"
        )
    labels = with_columns(labels, prepared.test, problem)
    if scored is None:
        with TemporaryDirectory() as folder:
            rewrite_submission(Path(args.run), Path(folder, "submission.csv"), prepared.sample, problem)
            scores = scores_by_part(Path(folder, "submission.csv"), labels, prepared)
    else:
        scores = scores_by_part(scored.submission(prepared), labels, prepared)
    source = competition.solution or "the rows that were held out"
    for part, (score, rows) in scores.items():
        print(f"{part.removeprefix('test '):<11} {problem.scored_by.name} {number(score)}  ({rows} rows of {source})")
    unscored = prepared.test[problem.answer_id or problem.id].nunique() - scores["test"][1]
    if unscored:
        print(f"not scored  {unscored} test rows, which have no label in {source}")
    if unseen := problem.unseen(labels):
        print(f"unseen      labels that no training row has, and no prediction can get right: {', '.join(unseen)}")
    answer: Answer = {
        "run": scored and scored.tracked_name,
        "metric": problem.scored_by.name,
        "scores": {part: {"score": score, "rows": rows} for part, (score, rows) in scores.items()},
        "cv": scored and scored.cv(problem).scores.score,
    }
    if scored is None:
        return answer
    print(f"CV          {problem.scored_by.name} {number(answer['cv'])}")
    if scored.origin:
        metrics = {f"{problem.scored_by.name}_{part.replace(' ', '_')}": score for part, (score, _) in scores.items()}
        log_scores(scored.origin, metrics, time.time())
        print(f"MLflow run  {scored.origin.name}")
    return answer
