"""Level-one data (Wolpert 1992): what members predicted of the same rows, side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.config import Scale
from goldfold.errors import InputError
from goldfold.inference.averaging import to_scale
from goldfold.metrics import Array
from goldfold.validation import CVResult
from goldfold.validation.same_rows import on_rows_of


@dataclass(frozen=True)
class LevelOne:
    """The predictions of members, (members, n, …), for out-of-fold rows and for test rows, with the tables of these rows.

    `scores` are the members' own. `table` holds row, fold and Problem.columns, `test_table` those that test rows have.
    """

    problem: Problem
    scores: dict[str, float]
    table: pd.DataFrame
    values: Array
    test_table: pd.DataFrame
    test_values: Array

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in their order."""
        return tuple(self.scores)

    def on(self, scale: Scale) -> "LevelOne":
        """Take the predictions on a scale."""
        if scale == "predictions":
            return self
        oof, test = (
            np.stack([to_scale(self.problem, member, scale) for member in values]) for values in (self.values, self.test_values)
        )
        return replace(self, values=oof, test_values=test)

    def without(self, name: str) -> "LevelOne":
        """Leave a member out."""
        return self.only([other for other in self.names if other != name])

    def only(self, names: Sequence[str]) -> "LevelOne":
        """Take some members, in this order, and leave all others out."""
        keep = [self.names.index(name) for name in names]
        scores = {name: self.scores[name] for name in names}
        return replace(self, scores=scores, values=self.values[keep], test_values=self.test_values[keep])


def gather(problem: Problem, members: Iterable[tuple[str, CVResult, pd.DataFrame]], number: int) -> LevelOne:
    """Gather a `number` of members, each with its name, its result and its table of test predictions, one after another.

    Raises InputError where they are not of the same rows, folds and targets, or predict none of the problem's outputs.
    """
    problem.require_no_masks("blending")
    first: tuple[str, CVResult] | None = None
    scores, arrays, test_table = dict[str, float](), list[Array](), pd.DataFrame()
    for position, (name, result, test) in enumerate(members):
        result, first = on_rows_of(problem, first, name, result), first or (name, result)
        tables = (result.oof, test)
        if not position:
            test_table = test.drop(columns=list(problem.outputs))
            arrays = [np.empty((number, *problem.predictions(table).shape)) for table in tables]
        for array, table in zip(arrays, tables, strict=True):
            array[position] = problem.predictions(table)
        scores[name] = result.scores.score
    if first is None:
        raise InputError("there is no member to blend", mend="name two runs or more")
    table = first[1].oof.reset_index(drop=True).drop(columns=list(problem.outputs))
    return LevelOne(problem, scores, table, arrays[0], test_table, arrays[1])
