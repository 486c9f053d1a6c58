"""Columns made by the competitor's own code."""

import inspect
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from pydantic import Field, field_validator

from goldfold.competition import Problem
from goldfold.config.section import Arguments
from goldfold.errors import InputError
from goldfold.imports import called, named, refused
from goldfold.metrics import Array
from goldfold.modalities.table.features.entry import KEY, Columns, Entry, Made

TRIED = 3
"""How many rows are made alone, too, to see that they do not depend on others."""


class Own(Entry):
    """Your own: a function from a frame to a frame, or a class with `fit(frame)` and `transform(frame)`.

    The class is called with `args`. What `fit` keeps in attributes is kept as JSON. A `fit(frame, truth)` reads the target as
    well, and a training row's columns then come from one that was fitted to other rows.
    """

    name: str
    of: Columns
    """The columns that it gets."""
    args: Arguments = Field({})
    """What the class, or the function, is called with beside the frame."""

    @field_validator("name")
    @classmethod
    def _of_own(cls, name: str) -> str:
        if not re.fullmatch(r"own(\.\w+)+:\w+", name):
            raise ValueError("give the import path of your own, own.module:Name (a file in src/own/)")
        return name

    @property
    def reads_target(self) -> bool:  # type: ignore[override]
        made = self._made({})
        return hasattr(made, "fit") and len(inspect.signature(made.fit).parameters) > 1

    def learn(self, frame: pd.DataFrame, truth: Array, problem: Problem) -> Any:
        made, rows = self._made({}), frame[list(self.of)].copy()
        if hasattr(made, "fit"):
            given = (rows, truth) if self.reads_target else (rows,)
            self._require_taken(made.fit, *given)
            with self._refused("cannot be fitted"):
                made.fit(*given)
        state = dict(vars(made)) if hasattr(made, "fit") else {}
        for name, value in state.items():
            if not _is_json(value):
                kinds = "numbers, texts, lists, and dicts whose keys are texts, none of them NaN"
                mend = f"keep what fit learned as {kinds}: .item(), .tolist(), str(key)"
                raise InputError(
                    f"params.yaml, {KEY}: {self.name} keeps {name}, which JSON cannot hold: {value!r:.80}", mend=mend
                )
        columns = self._columns(state, frame)
        learned = {"state": state, "numbers": {name: values.dtype.kind in "biuf" for name, values in columns.items()}}
        self._require_rows_alone(frame, learned)
        return learned

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        columns = self._columns(learned["state"], frame)
        if list(columns.columns) != list(learned["numbers"]):
            made, first = ", ".join(columns.columns) or "none", ", ".join(learned["numbers"]) or "none"
            mend = "let it make the same columns of any rows"
            raise InputError(
                f"params.yaml, {KEY}: {self.name} makes the columns {made}, and made {first} of other rows", mend=mend
            )
        with self._refused("makes other values than numbers and texts"):
            return {
                name: columns[name].to_numpy(np.float64, na_value=np.nan)
                if is_number
                else columns[name].astype("str").fillna("").to_numpy(object)
                for name, is_number in learned["numbers"].items()
            }

    def _made(self, state: dict[str, Any]) -> Any:
        """Return what transforms, with what it learned; of a function, the function itself."""
        found = named(self.name, [], KEY)
        if not isinstance(found, type):
            return found
        made = called(found, KEY, **self.args)
        vars(made).update(state)
        return made

    def _columns(self, state: dict[str, Any], frame: pd.DataFrame) -> pd.DataFrame:
        """Return the columns that it makes, as many rows as the frame has."""
        made, rows = self._made(state), frame[list(self.of)].copy()
        transform, args = (made.transform, {}) if hasattr(made, "transform") else (made, self.args)
        self._require_taken(transform, rows, **args)
        with self._refused("cannot be made"):
            columns = transform(rows, **args)
        if not isinstance(columns, pd.DataFrame) or len(columns) != len(frame):
            shape = getattr(columns, "shape", type(columns).__name__)
            mend = "return a DataFrame with a row for each"
            raise InputError(f"params.yaml, {KEY}: {self.name} makes {shape} of a frame of {len(frame)} rows", mend=mend)
        columns = columns.rename(columns=str)
        _require_readable(self.name, columns)
        return columns

    def _require_taken(self, function: Any, *given: Any, **args: Any) -> None:
        """Raise InputError for what cannot be called with these: the error would look like one of ours."""
        try:
            inspect.signature(function).bind(*given, **args)
        except TypeError as error:
            mend = "make it take a frame and the args, or fit(self, frame) and transform(self, frame)"
            raise InputError(f"params.yaml, {KEY}: {self.name} cannot be called so: {error}", mend=mend) from error

    def _require_rows_alone(self, frame: pd.DataFrame, learned: Any) -> None:
        """Raise InputError where a row's columns depend on which other rows are read with it."""
        whole = self.make(frame, learned)
        for row in range(min(TRIED, len(frame))):
            alone = self.make(frame.iloc[[row]], learned)
            for name, values in whole.items():
                one, other = values[row], alone[name][0]
                same = np.isclose(one, other, rtol=1e-9, equal_nan=True) if learned["numbers"][name] else one == other
                if not same:
                    said = f"{self.name} makes {name} {one} of a row among others, and {other} of it alone"
                    mend = "learn what needs other rows in fit, and use it in transform"
                    raise InputError(f"params.yaml, {KEY}: {said}", mend=mend)

    @contextmanager
    def _refused(self, what: str) -> Iterator[None]:
        with refused(f"params.yaml, {KEY}: {self.name} {what}", "correct it, or leave it out"):
            yield


def _require_readable(name: str, columns: pd.DataFrame) -> None:
    """Raise InputError for no columns, for two of one name, and for cells that are neither numbers nor texts."""
    wrong = [f"{column}: twice" for column in columns.columns[columns.columns.duplicated()].unique()]
    if not wrong:
        texts = columns.select_dtypes(exclude="number")
        wrong = [f"{column}: other cells" for column in texts if not texts[column].map(types.is_scalar).all()]
    if wrong or not columns.shape[1]:
        said = "columns that cannot be read" if wrong else "no columns"
        mend = "make columns of numbers or texts, each with a name of its own"
        raise InputError(f"params.yaml, {KEY}: {name} makes {said}", wrong, mend)


def _is_json(value: Any) -> bool:
    """Whether a value comes back from JSON as it was."""
    try:
        return bool(json.loads(json.dumps(value, allow_nan=False)) == value) and type(value).__module__ == "builtins"
    except (TypeError, ValueError, RecursionError):
        return False
