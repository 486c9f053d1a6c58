"""Whether several results were judged on the same rows, in the same folds and against the same targets."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.validation.cv_result import CVResult


def on_same_rows(problem: Problem, results: Mapping[str, CVResult]) -> dict[str, CVResult]:
    """Return results by the names of their runs, the out-of-fold rows of each in the order of the first's.

    Raises InputError, with the columns, folds or ids, where one does not predict the problem's outputs, was validated on
    other folds or rows than the first, has rows in other folds, or was judged against other targets.
    """
    for name, result in results.items():
        _require_outputs(problem, name, result.oof)
    first, *others = results
    reference = results[first].oof
    ordered = {first: replace(results[first], oof=reference.reset_index(drop=True))}
    for name in others:
        names, table = (first, name), results[name].oof
        _require_same("fold", reference["fold"], table["fold"], names, "train the same split.folds for both")
        _require_same("row", reference[problem.id], table[problem.id], names, "run one again on the other's training table")
        both = reference.set_index(problem.id), table.set_index(problem.id).loc[list(reference[problem.id])]
        _require_equal("folds", ["fold"], both, names, "run one again with the other's split")
        _require_equal("targets", problem.targets, both, names, "run one again on the other's training table")
        ordered[name] = replace(results[name], oof=both[1].reset_index())
    return ordered


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
    """Raise InputError where two columns do not hold the same values, in whatever order."""
    places = []
    for name, values, others in ((names[0], left, right), (names[1], right, left)):
        places += [f"{values.name} {value}: only in {name}" for value in values[~values.isin(others)].unique()]
    if places:
        raise InputError(f"{names[0]} and {names[1]} were validated on different {what}s", places, mend)


def _require_equal(
    what: str, columns: Sequence[str], both: tuple[pd.DataFrame, pd.DataFrame], names: tuple[str, str], mend: str
) -> None:
    """Raise InputError where two tables with the same ids as index differ in one of the columns."""
    places = []
    for column in columns:
        here, there = both[0][column], both[1][column]
        differs = (here != there) & ~(here.isna() & there.isna())
        places += [
            f"{here.index.name} {row}: {column} {here[row]} in {names[0]}, {there[row]} in {names[1]}"
            for row in here.index[differs]
        ]
    if places:
        raise InputError(f"{names[0]} and {names[1]} have different {what}: {len(places)} in {len(both[0])} rows", places, mend)
