"""The parts of dates that a model might not find by itself, and that other entries may be made of."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from goldfold.modalities.table.features.entry import Columns, Entry, Made, wrong_kind

DatePart = Literal["year", "quarter", "month", "week", "yearday", "day", "weekday", "weekend", "hour", "minute"]
PARTS: Mapping[DatePart, Callable[[Any], Any]] = {
    "year": lambda moments: moments.year,
    "quarter": lambda moments: moments.quarter,
    "month": lambda moments: moments.month,
    "week": lambda moments: moments.isocalendar().week,
    "yearday": lambda moments: moments.day_of_year,
    "day": lambda moments: moments.day,
    "weekday": lambda moments: moments.day_of_week,
    "weekend": lambda moments: (moments.day_of_week >= 5).where(moments.day_of_week.notna()),
    "hour": lambda moments: moments.hour,
    "minute": lambda moments: moments.minute,
}


class Date(Entry):
    """Parts of dates as numbers, in UTC; Monday is weekday 0."""

    name: Literal["date"]
    of: Columns
    """The columns of dates."""
    parts: Annotated[tuple[DatePart, ...], Field(min_length=1)] = tuple(PARTS)
    """Which parts: year, quarter, month, week, yearday, day, weekday, weekend, hour, minute."""

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        made = {}
        for name in self.of:
            if not isinstance(frame[name].dtype, pd.DatetimeTZDtype):
                raise wrong_kind(self, name, "holds no dates")
            for part in self.parts:
                made[f"{name} {part}"] = PARTS[part](frame[name].dt).to_numpy(np.float64, na_value=np.nan)
        return made
