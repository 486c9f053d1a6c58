"""What a number is like within the row's group: its mean and deviation there, and its rank among them."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from goldfold.competition import Problem
from goldfold.metrics import Array
from goldfold.modalities.table.features.entry import Columns, Entry, LearnedFrom, Made, keys, numbers, together

Take = Literal["mean", "deviation", "rank"]
LEVELS = 101
"""How many quantiles are kept of a larger group's values, for ranks."""


class Aggregate(Entry):
    """What numbers are like within a group: its mean, its deviation, and the rank of the row's value, from 0 to 1.

    A group that was not there when these were learned has those of all rows.
    """

    name: Literal["aggregate"]
    of: Columns
    """The numbers."""
    by: Columns
    """The columns whose equal values together are a group."""
    take: Annotated[tuple[Take, ...], Field(min_length=1)] = ("mean", "deviation", "rank")
    """What is taken: mean, deviation, rank."""
    rows: LearnedFrom = "training"
    """Which rows it is learned from: the fold's training rows, or all, those of the test table too; no label is read."""

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.of, *self.by)))

    def learn(self, frame: pd.DataFrame, truth: Array, problem: Problem) -> Any:
        groups, learned = keys(frame, self.by), {}
        for name in self.of:
            values = numbers(self, frame, name)
            known = values[values.notna()]
            of_groups = known.groupby(groups[known.index].to_numpy())
            # All rows are a group too, for those whose own was not there.
            whole = known.groupby(np.zeros(len(known), int))
            learned[name] = {
                take: {"all": next(iter(LEARN[take](whole).values()), None), "groups": LEARN[take](of_groups)}
                for take in self.take
            }
        return learned

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        codes, groups = pd.factorize(keys(frame, self.by))
        made = {}
        for name in self.of:
            values = numbers(self, frame, name).to_numpy()
            for take in self.take:
                of_group = [learned[name][take]["groups"].get(group, learned[name][take]["all"]) for group in groups]
                column = f"{name} by {together(self.by)} {take}"
                made[column] = _ranks(values, codes, of_group) if take == "rank" else np.array(of_group, np.float64)[codes]
        return made


def _kept(grouped: Any) -> dict[Any, list[float]]:
    """The sorted values of each group; of a larger one, so many quantiles."""
    ordered = {key: np.sort(values.to_numpy()) for key, values in grouped}
    levels = np.linspace(0, 1, LEVELS)
    return {key: (few if len(few) <= LEVELS else np.quantile(few, levels)).tolist() for key, few in ordered.items()}


def _ranks(values: Array, codes: Array, of_group: list[list[float] | None]) -> Array:
    """The share of its group's values that a row's is above; equal ones count half."""
    ranks = np.full(len(values), np.nan)
    order = np.argsort(codes, kind="stable")
    for group, rows in zip(of_group, np.split(order, np.searchsorted(codes[order], range(1, len(of_group)))), strict=True):
        if group:
            found = values[rows]
            ranks[rows] = (np.searchsorted(group, found) + np.searchsorted(group, found, side="right")) / 2 / len(group)
    return np.where(np.isnan(values), np.nan, ranks)


LEARN: Mapping[Take, Callable[[Any], dict[Any, Any]]] = {
    "mean": lambda grouped: grouped.mean().to_dict(),
    "deviation": lambda grouped: grouped.std(ddof=0).to_dict(),
    "rank": _kept,
}
