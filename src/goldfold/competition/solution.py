"""The test labels in competition.solution."""

from pathlib import Path

import pandas as pd

from goldfold.competition import contract
from goldfold.competition import task as work_out
from goldfold.competition.problem import Problem
from goldfold.competition.tables import columns_of, line, read_table, require_columns
from goldfold.errors import InputError

USAGE = "Usage"
PUBLIC, PRIVATE, IGNORED = "Public", "Private", "Ignored"
USAGES = (PUBLIC, PRIVATE, IGNORED)


def solution_table(path: Path, problem: Problem) -> pd.DataFrame:
    """The labels of a file, and its column Usage where it has one, however that is spelt.

    Ignored rows are left out. Raises InputError for rows without a label, where training has seen none of the labels, and for
    ids with two labels.
    """
    by = problem.answer_id or problem.id
    usages = [name for name in columns_of(path) if name.casefold() == USAGE.casefold()]
    if len(usages) > 1:
        raise InputError(f"{path} has several columns {USAGE}", usages, "keep one of them")
    renamed = dict.fromkeys(usages, USAGE)
    solution = read_table(path, [by, *problem.keys, *problem.targets, *renamed]).rename(columns=renamed)
    if USAGE in solution:
        solution[USAGE] = _usage(solution[USAGE], path)
        solution = solution[solution[USAGE] != IGNORED].copy()
    if solution.empty:
        raise InputError(f"{path} has no rows to score by", mend="give the whole file")
    if problem.keys:
        solution[problem.id] = contract.joined(solution, problem.keys)
    require_columns(solution.columns, [by, *problem.targets], str(path), "--solution, or competition.solution")
    if problem.has_numbers:
        solution[list(problem.targets)] = work_out.numeric_targets(solution, problem.targets, problem.task, str(path))
    elif problem.is_exclusive:
        solution[problem.targets[0]] = _labels(solution[problem.targets[0]], problem, path)
    _require_one_answer(solution, by, problem, path)
    return solution.reset_index(drop=True)


def _usage(values: pd.Series, path: Path) -> pd.Series:
    spellings = {usage.casefold(): usage for usage in USAGES}
    usage = values.astype("str").str.strip().str.casefold().map(spellings)
    if usage.isna().any():
        lines = [f"{line(position)}: {values.iloc[position]}" for position in usage.isna().to_numpy().nonzero()[0].tolist()]
        raise InputError(f"{path}: values of {USAGE} other than {', '.join(USAGES)}: {len(lines)}", lines, "correct them")
    return usage


def _labels(column: pd.Series, problem: Problem, path: Path) -> pd.Series:
    """The labels, 1.0 as 1; raises InputError for a missing one, and where training has seen none of them."""
    labels = work_out.whole_number_labels(column.astype("str"))
    classes = f"the classes are {', '.join(problem.classes[:10])}{' …' * (len(problem.classes) > 10)}"
    missing = labels.index[labels == ""].tolist()
    if missing:
        raise InputError(f"{path}: rows without a label: {len(missing)}", [line(row) for row in missing], "fill them in")
    if not labels.isin(problem.classes).any():
        raise InputError(f"{path}: none of its labels is a class", sorted(set(labels)), f"name the right table; {classes}")
    return labels


def _require_one_answer(solution: pd.DataFrame, by: str, problem: Problem, path: Path) -> None:
    answers = solution[[by, *problem.targets]].drop_duplicates()
    twice = answers[by][answers[by].duplicated()]
    if len(twice):
        raise InputError(f"{path}: ids with two answers: {len(twice)}", [f"{by} {key}" for key in twice], "keep one row per id")
