"""A category of the values of columns: a number as one, or pairs of columns."""

from typing import Any, Literal

import pandas as pd

from goldfold.modalities.table.features.entry import Entry, Items, Made, keys, together


class Category(Entry):
    """The values of columns as a category: a number as one, too, or columns together, as [[Pclass, Sex]]."""

    name: Literal["category"]
    of: Items
    """The columns, of which each makes a category; those of a list make one together."""

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        return {f"{together(item)} category": keys(frame, item).to_numpy() for item in self.of}
