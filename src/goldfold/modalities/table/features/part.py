"""A part of a text as a category: the surname before a comma, a cabin's deck, the group in an id."""

import re
from typing import Any, Literal

import pandas as pd
from pydantic import field_validator

from goldfold.modalities.table.features.entry import Columns, Entry, Made, wrong_kind

FIRST = r"[^\W\d_]+|\d+"
"""The first letters, or the first digits, whichever come first."""


class TextPart(Entry):
    """The first match of a pattern in a text, as a category; missing where there is none."""

    name: Literal["part"]
    of: Columns
    """The columns of texts or categories."""
    pattern: str = FIRST
    """A regular expression; the match is its first group, if it has one. By default the first letters, or digits."""

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        pattern, made = re.compile(self.pattern), {}
        for name in self.of:
            if not pd.api.types.is_string_dtype(frame[name]):
                raise wrong_kind(self, name, "holds no texts")
            found = (pattern.search(text) for text in frame[name].fillna(""))
            parts = [(match[1 if pattern.groups else 0] or "") if match else "" for match in found]
            made[f"{name} part"] = pd.Series(parts, dtype=object).to_numpy()
        return made
