"""The difference and the ratio of two numbers."""

from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator

from goldfold.modalities.table.features.entry import Entry, Made, numbers

SIGNS = {"difference": "-", "ratio": "/"}


class Arithmetic(Entry):
    """The difference or the ratio of two numbers; missing where one is, and where the ratio has none."""

    name: Literal["difference", "ratio"]
    of: Annotated[tuple[tuple[str, str], ...], Field(min_length=1)]
    """The pairs of columns: [[GrLivArea, LotArea]]."""

    @field_validator("of", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Any:
        lists = isinstance(value, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value)
        if not lists:
            raise ValueError("give pairs of columns, [[a, b]]")
        return value

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        made = {}
        for pair in self.of:
            first, second = (numbers(self, frame, name).to_numpy() for name in pair)
            with np.errstate(all="ignore"):
                values = first - second if self.name == "difference" else first / second
            made[f" {SIGNS[self.name]} ".join(pair)] = np.where(np.isfinite(values), values, np.nan)
        return made
