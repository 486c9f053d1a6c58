"""Check that several results are of the same rows, in the same folds and with the same targets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.validation.cv_result import CVResult


def on_same_rows(problem: Problem, results: Mapping[str, CVResult]) -> dict[str, CVResult]:
    """Return results by the names of their runs, with the out-of-fold rows in the order of the first result's.

    Raises InputError, with the columns, folds or ids, for a result that does not predict the problem's outputs, or has other
    folds, rows or targets than the first.
    """
    first = next(iter(results.items()))
    return {name: on_rows_of(problem, None if name == first[0] else first, name, result) for name, result in results.items()}


def on_rows_of(problem: Problem, first: tuple[str, CVResult] | None, name: str, result: CVResult) -> CVResult:
    """Return a run's result with the out-of-fold rows in the order of the first's, if there is one; see `on_same_rows`."""
    table = result.oof.reset_index(drop=True)
    _require_outputs(problem, name, table)
    if first is None:
        return replace(result, oof=table)
    reference, names = first[1].oof, (first[0], name)
    _require_same("fold", reference["fold"], table["fold"], names, "train the same split.folds for both")
    _require_same("row", reference[problem.id], table[problem.id], names, "run one again on the other's training table")
    both = reference.set_index(problem.id), table.set_index(problem.id).loc[list(reference[problem.id])]
    _require_equal("folds", ["fold"], both, names, "run one again with the other's split")
    _require_equal("targets", problem.targets, both, names, "run one again on the other's training table")
    return replace(result, oof=both[1].reset_index())


def _require_outputs(problem: Problem, name: str, table: pd.DataFrame) -> None:
    needed = ("fold", *problem.columns, *problem.outputs)
    start = problem.outputs[0].partition("_")[0] + "_"
    wrong = [f"{column}: not in {name}" for column in needed if column not in table]
    wrong += [f"{column}: only in {name}" for column in table.columns if column.startswith(start) and column not in needed]
    if wrong:
        raise InputError(
            f"{name} does not predict the classes or targets of data/prepared",
            wrong,
            "name runs with its classes and targets",
        )


def _require_same(what: str, left: pd.Series, right: pd.Series, names: tuple[str, str], mend: str) -> None:
    """Raise InputError unless two columns hold the same values, in any order."""
    differences = []
    for name, values, others in ((names[0], left, right), (names[1], right, left)):
        differences += [f"{values.name} {value}: only in {name}" for value in values[~values.isin(others)].unique()]
    if differences:
        raise InputError(f"{names[0]} and {names[1]} were validated on different {what}s", differences, mend)


def _require_equal(
    what: str, columns: Sequence[str], both: tuple[pd.DataFrame, pd.DataFrame], names: tuple[str, str], mend: str
) -> None:
    """Raise InputError if two tables, indexed by the same ids, differ in one of the columns."""
    differences = []
    for column in columns:
        here, there = both[0][column], both[1][column]
        differs = (here != there) & ~(here.isna() & there.isna())
        differences += [
            f"{here.index.name} {row}: {column} {here[row]} in {names[0]}, {there[row]} in {names[1]}"
            for row in here.index[differs]
        ]
    if differences:
        raise InputError(
            f"{names[0]} and {names[1]} have different {what}: {len(differences)} in {len(both[0])} rows", differences, mend
        )
