"""`goldfold score`: a run's submission against test labels that are known."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import find_runs

if TYPE_CHECKING:
    import pandas as pd

    from goldfold.competition import Problem


def score_run(name: str, solution: Path | None) -> None:
    """Print and log the score of a run's submission against the labels of `solution`, or of competition.solution.

    A column Usage, as Kaggle's solutions have, gives the scores of the public and of the private rows beside it.
    """
    from goldfold.competition import read_solution
    from goldfold.config import load_config
    from goldfold.prediction import with_columns
    from goldfold.prepare import PreparedSet
    from goldfold.terminal import number
    from goldfold.tracking import log_scores

    config, prepared = load_config(), PreparedSet.load(PREPARED)
    problem = prepared.problem
    (run,) = find_runs([name], config)
    path = run.submission(prepared)
    competition = config.competition if solution is None else config.competition.model_copy(update={"solution": str(solution)})
    labels = read_solution(competition, problem)
    if labels is None:
        raise InputError(
            "the test labels are not known", mend="name a table of them: --solution FILE, or competition.solution in params.yaml"
        )
    scores = scores_by_part(path, with_columns(labels, prepared.test, problem), problem)
    source = competition.solution or "the rows that were held out"
    for part, (score, rows) in scores.items():
        print(f"{part.removeprefix('test '):<11} {problem.scored_by.name} {number(score)}  ({rows} rows of {source})")
    left = prepared.test[problem.answer_id or problem.id].nunique() - scores["test"][1]
    if left:
        print(f"not scored  {left} test rows, of which {source} has no label")
    print(f"CV          {problem.scored_by.name} {number(run.cv(problem).scores.score)}")
    if run.tracked:
        known = {f"{problem.scored_by.name}_{part.replace(' ', '_')}": score for part, (score, _) in scores.items()}
        log_scores(run.tracked, known, time.time())
        print(f"MLflow run  {run.tracked['name']}")


def scores_by_part(path: Path, solution: "pd.DataFrame", problem: "Problem") -> dict[str, tuple[float, int]]:
    """The score and the rows of the whole solution, `test`, and of what its column Usage calls Public and Private."""
    from goldfold.competition import PRIVATE, PUBLIC, USAGE
    from goldfold.prediction import score_submission

    parts = {"test": solution}
    if USAGE in solution:
        parts |= {f"test {part.lower()}": solution[solution[USAGE] == part] for part in (PUBLIC, PRIVATE)}
    by = problem.answer_id or problem.id
    return {
        name: (score_submission(path, rows.reset_index(drop=True), problem), rows[by].nunique())
        for name, rows in parts.items()
        if len(rows)
    }
