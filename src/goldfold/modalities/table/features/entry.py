"""What the kinds of entries share: how they name columns, and what they do."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import BeforeValidator, Field, WithJsonSchema

from goldfold.competition import Problem
from goldfold.config.section import Section
from goldfold.errors import InputError
from goldfold.metrics import Array

KEY = "prepare.features"
TOGETHER = " & "
Made = Mapping[str, Array]
"""Columns by name, each (rows,): float64 numbers, or texts as objects, where "" is missing."""


def _alone(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


NAMES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
"""A column, or several, in the schema of params.yaml."""
Columns = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_alone), WithJsonSchema(NAMES)]
"""A column, or several."""
Items = Annotated[
    tuple[Columns, ...],
    Field(min_length=1),
    BeforeValidator(_alone),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": NAMES, "minItems": 1}]}),
]
"""Columns, of which each makes a feature of its own; a list among them is columns taken together."""
LearnedFrom = Literal["training", "all"]


class Entry(Section):
    """An entry of prepare.features: columns made of columns.

    A frame holds columns as values: numbers as float64, dates in UTC, categories and texts as `str`. An entry sees those that
    it names, and those that entries before it have made.
    """

    reads_target: ClassVar[bool] = False
    name: str
    of: Any

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(dict.fromkeys(name for item in self.of for name in ((item,) if isinstance(item, str) else item)))

    @property
    def all_rows(self) -> bool:
        """Whether it learns from all rows, which are then counted without their labels."""
        return getattr(self, "rows", "training") == "all"

    def learn(self, frame: pd.DataFrame, truth: Array, problem: Problem) -> Any:
        """Return what is learned from the rows of a frame and their targets, as JSON holds it."""
        return None

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        """Return the columns of a frame's rows, by what was learned; a row's do not depend on the other rows."""
        raise NotImplementedError


def together(item: Sequence[str]) -> str:
    """Return the name of columns that are taken together."""
    return TOGETHER.join(item)


def keys(frame: pd.DataFrame, item: Sequence[str]) -> pd.Series:
    """Return a text for the values of some columns together, which equal values share; "" where all are missing."""
    parts = [_texts(frame[name]) for name in item]
    joined, known = parts[0], parts[0] != ""
    for part in parts[1:]:
        joined, known = joined + TOGETHER + part, known | (part != "")
    return joined.where(known, "")


def numbers(entry: Entry, frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column of numbers; raises InputError where it is of another kind."""
    if frame[name].dtype.kind != "f":
        raise wrong_kind(entry, name, "holds no numbers")
    return frame[name]


def wrong_kind(entry: Entry, name: str, why: str) -> InputError:
    """Say that an entry cannot be made of a column."""
    return InputError(
        f"params.yaml, {KEY}: {entry.name} cannot be made of {name}, which {why}",
        mend="name another column, or another kind for it in prepare.columns",
    )


def _texts(values: pd.Series) -> pd.Series:
    """Values as texts, "" where missing; each distinct one is written once."""
    codes, distinct = pd.factorize(values)
    written = np.array([*map(_written, distinct), ""], dtype=object)
    return pd.Series(written[codes], values.index, dtype=object)


def _written(value: Any) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(float(value))
    return value if isinstance(value, str) else value.isoformat()
