"""Column: what the cells of one column are, and how each becomes a value."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from goldfold.config import Kind
from goldfold.metrics import Array
from goldfold.schema.durations import read_durations
from goldfold.schema.moments import read_dates, read_times
from goldfold.schema.numbers import NumberFormat, canonical, plain_numbers, read_numbers
from goldfold.tables import text_cells


@dataclass(frozen=True)
class Column:
    """What the cells of a column are, how each becomes a value, and what was odd.

    `format` is what the kind needs to read a cell: a number's marks and unit, a boolean's two words, a date's format of strptime;
    `numeric` of a category says that its cells are numbers, so that 1, 1.0 and 01 are one, and `folded` that their case does
    not count. `others` are formats of tables that
    write it otherwise, for cells that `format` does not read. Cells in `missing` mean nothing;
    `odd` are those that the kind cannot read, with their file and row, the first few of `odd_cells`. Numbers that are `whole` in
    all tables are int64 where none is missing. `doubt` is what the cells may mean otherwise, for the competitor to decide.
    """

    name: str
    kind: Kind
    format: Mapping[str, Any] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()
    odd_cells: int = 0
    why: str = ""
    whole: bool = False
    doubt: str = ""
    others: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Column":
        """Rebuild what `to_json` gave."""
        return cls(**{**value, **{name: tuple(value.get(name, ())) for name in ("missing", "odd", "others")}})

    def to_json(self) -> dict[str, Any]:
        """The column as JSON holds it."""
        return asdict(self)

    def reading(self) -> dict[str, Any]:
        """What `read` needs, as JSON: the name, the kind, the formats, the codes for missing, and whether numbers are whole."""
        needed = ("name", "kind", "format", "missing", "whole", "others")
        return {name: value for name, value in self.to_json().items() if name in needed}

    def read(self, cells: pd.Series) -> pd.Series:
        """Read cells as numbers, booleans, texts, moments in UTC, or time since midnight; missing where there is none.

        A cell's value depends on the cell and this column alone, never on the other rows, the day or the locale. What is no
        text, as in a notebook's table, is a value already.
        """
        if not pd.api.types.is_string_dtype(cells):
            if self.kind not in ("category", "text"):
                return cells
            cells = text_cells(cells.to_frame())[0].iloc[:, 0].set_axis(cells.index)
        if self.kind == "number" and not self.format and not self.missing and (plain := _plain_values(cells)) is not None:
            return pd.Series(self._whole(plain), name=cells.name, index=cells.index)
        texts = stripped(cells)
        empty = pc.equal(texts, "")
        if self.missing:
            empty = pc.or_(empty, pc.is_in(texts, pa.array(self.missing, texts.type)))
        if self.kind == "text":
            texts = pa.array(cells.astype("str"), texts.type)
        texts = pc.if_else(empty, pa.scalar(None, texts.type), texts)
        values = pd.Series(self._values(texts, self.format))
        for other in self.others:
            values = values.where(values.notna(), pd.Series(self._values(texts, other)))
        if self.kind == "number":
            values = pd.Series(self._whole(values.to_numpy()))
        values.name = cells.name
        return values.set_axis(cells.index)

    def _whole(self, numbers: Array) -> Array:
        """The numbers as int64 where all of the column's are whole and none is missing."""
        is_whole = self.whole and bool((numbers == np.round(numbers)).all())
        return numbers.astype(np.int64) if is_whole else numbers

    def _values(self, texts: pa.Array, format: Mapping[str, Any]) -> Any:
        if self.kind == "number":
            return read_numbers(texts, NumberFormat.from_json(format))
        if self.kind == "category" and "numeric" in format:
            written = canonical(read_numbers(texts, NumberFormat.from_json(format["numeric"])))
            series = texts.to_pandas().astype("str")
            return written.where(written != "", series)
        series = pd.Series(texts.to_pandas(), dtype="str")
        if self.kind == "category" and "folded" in format:
            return series.map({text: folded(text) for text in series.dropna().unique()}).astype("str")
        match self.kind:
            case "boolean":
                no, yes = format["words"]
                return series.str.casefold().map({no: False, yes: True}).astype("boolean")
            case "date":
                return read_dates(series, format["format"])
            case "time":
                return read_times(series)
            case "duration":
                return read_durations(series)
        return series


def _plain_values(cells: pd.Series) -> Array | None:
    """The values of cells that are all plain numbers or empty, without spaces around them; None for others."""
    texts = texts_of(cells)
    empty = pc.equal(texts, "")
    if pc.any(empty).as_py():
        texts = pc.if_else(empty, pa.scalar(None, texts.type), texts)
    values = plain_numbers(texts)
    if values is None or np.isfinite(values).all():
        return values
    return np.where(np.isfinite(values), values, np.nan)


def folded(text: str) -> str:
    """Return a text without its case and form of Unicode.

    >>> folded("Ko\u0308LN") == folded("köln")
    True
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def stripped(cells: pd.Series) -> pa.Array:
    """The texts without the spaces around them."""
    return pc.utf8_trim_whitespace(texts_of(cells).combine_chunks())


def texts_of(cells: pd.Series) -> pa.ChunkedArray:
    """The texts as Arrow holds them, without a copy."""
    texts = pa.array(cells.astype("str"))
    return texts if isinstance(texts, pa.ChunkedArray) else pa.chunked_array([texts])


def stripped_cells(tables: Sequence[pd.Series]) -> pa.ChunkedArray:
    """The texts of a column of several tables, without the spaces around them."""
    return pa.chunked_array([stripped(cells) for cells in tables])


def as_numbers(values: pd.Series) -> Array:
    """Values of a column of any kind but categories and texts as (n,) float64, NaN where missing: times in hours, durations
    in seconds, dates in days since 1970.
    """
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return np.asarray((values - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1), np.float64)
    if values.dtype.kind == "m":
        return np.asarray(values.dt.total_seconds(), np.float64)
    return np.asarray(values.to_numpy(np.float64, na_value=np.nan))
