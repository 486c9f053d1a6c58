"""How long texts are."""

from typing import Any, Literal

import numpy as np
import pandas as pd

from goldfold.modalities.table.features.entry import Columns, Entry, Made, wrong_kind


class Length(Entry):
    """How many characters and words a text has."""

    name: Literal["length"]
    of: Columns
    """The columns of texts or categories."""

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        made = {}
        for name in self.of:
            if not pd.api.types.is_string_dtype(frame[name]):
                raise wrong_kind(self, name, "holds no texts")
            made[f"{name} characters"] = frame[name].str.len().to_numpy(np.float64, na_value=np.nan)
            made[f"{name} words"] = frame[name].str.count(r"\S+").to_numpy(np.float64, na_value=np.nan)
        return made
