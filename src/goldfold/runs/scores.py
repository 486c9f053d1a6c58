"""Scores of a submission against test labels: those of competition.solution, or the rows that were held out."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.competition import PRIVATE, PUBLIC, USAGE, read_solution
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet


@dataclass(frozen=True)
class SolutionScore:
    """The score of a submission by the labels of `source`; None, with the reason in `error`, where they do not fit it."""

    score: float | None
    source: str
    error: str = ""


def score_by_solution(path: Path, competition: CompetitionConfig, prepared: PreparedSet) -> SolutionScore | None:
    """Score a submission by the competition's test labels; None where there are none.

    Labels that do not fit, as those of another competition, are an `error` and raise nothing: the submission is no worse for it.
    """
    from goldfold.prediction import score_submission, with_columns

    source = competition.solution or "the rows that were held out"
    problem = prepared.problem
    try:
        solution = read_solution(competition, problem, prepared.sample, prepared.test)
        if solution is None:
            return None
        solution = with_columns(solution, prepared.test, problem)
        return SolutionScore(score_submission(path, solution, problem, prepared.sample), source)
    except InputError as error:
        return SolutionScore(None, source, str(error).splitlines()[0])


def scores_by_part(path: Path, solution: pd.DataFrame, prepared: PreparedSet) -> dict[str, tuple[float, int]]:
    """Score the whole solution, `test`, and what its column Usage calls Public and Private; each with its number of rows."""
    from goldfold.prediction import score_submission

    parts, problem = {"test": solution}, prepared.problem
    if USAGE in solution:
        parts |= {f"test {part.lower()}": solution[solution[USAGE] == part] for part in (PUBLIC, PRIVATE)}
    by = problem.answer_id or problem.id
    return {
        name: (score_submission(path, rows.reset_index(drop=True), problem, prepared.sample), rows[by].nunique())
        for name, rows in parts.items()
        if len(rows)
    }
