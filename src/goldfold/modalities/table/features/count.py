"""How many rows share a value: of a category, of a party's ticket, of a household's name."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array
from goldfold.modalities.table.features.entry import Entry, Items, LearnedFrom, Made, keys, together


class Count(Entry):
    """How many rows share a row's values, itself included; missing where they all are."""

    name: Literal["count"]
    of: Items
    """The columns, of which each is counted; those of a list are counted together."""
    rows: LearnedFrom = "training"
    """Which rows are counted: the fold's training rows, or all, those of the test table too; no label is read."""

    def learn(self, frame: pd.DataFrame, truth: Array, problem: Problem) -> Any:
        counted = {together(item): keys(frame, item).value_counts() for item in self.of}
        return {name: {key: int(count) for key, count in counts.items() if key} for name, counts in counted.items()}

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        made = {}
        for item in self.of:
            values = keys(frame, item)
            counts = values.map(learned[together(item)]).astype(np.float64).fillna(1.0)
            made[f"{together(item)} count"] = counts.where(values != "").to_numpy(np.float64)
        return made
