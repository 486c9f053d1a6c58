"""Typed columns as texts: what a cell of a Parquet file or of a notebook's table would be in a text file."""

import datetime
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.large_string()
EXACT = 2.0**53
"""Below it every whole number is a float of its own."""


class NotCellsError(Exception):
    """A column whose values are no cells: its message is the reason, such as `a struct, not a value`."""


def text_cells(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return a typed table's cells as texts, and the reason for each column that cannot be.

    A named index becomes columns, any other index is left behind; an empty cell is "". A column of whole numbers with gaps,
    which pandas keeps as floats, is of whole numbers; times are as ISO 8601 writes them, and lists of plain values are JSON.

    >>> cells, left_out = text_cells(pd.DataFrame({"age": [31.0, None], "tags": [["a"], []], "meta": [{"a": 1}, {}]}))
    >>> cells.to_dict("list"), left_out
    ({'age': ['31', ''], 'tags': ['["a"]', '[]']}, {'meta': 'a struct, not a value'})
    """
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index(allow_duplicates=True)
    names = [".".join(map(str, name)) if isinstance(name, tuple) else str(name) for name in frame.columns]
    columns = {name: _arrow(frame.iloc[:, at]) for at, name in enumerate(unique_names(names))}
    return cells_of(columns, len(frame))


def cells_of(columns: dict[str, pa.ChunkedArray], length: int) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return Arrow columns of `length` rows as texts, and the reason for each one that cannot be."""
    texts: dict[str, pa.ChunkedArray] = {}
    left_out = {}
    for name, column in columns.items():
        try:
            texts[name] = text_of(column)
        except NotCellsError as error:
            left_out[name] = str(error)
    return frame_of(texts, length), left_out


def frame_of(texts: dict[str, pa.ChunkedArray], length: int) -> pd.DataFrame:
    """Return a table of Arrow's texts, without a copy; nulls become ""."""
    if not texts:
        return pd.DataFrame(index=pd.RangeIndex(length), columns=pd.Index([], dtype="str"))
    frame: pd.DataFrame = pa.table({name: pc.fill_null(column, "") for name, column in texts.items()}).to_pandas()
    return frame


def unique_names(names: list[str]) -> list[str]:
    """Return the names, with those that occur again numbered as pandas does.

    >>> unique_names(["a", "b", "a", "a.1"])
    ['a', 'b', 'a.2', 'a.1']
    """
    taken = set(names)
    seen: set[str] = set()
    unique = []
    for name in names:
        again, number = name, 0
        while again in seen or (number and again in taken):
            number += 1
            again = f"{name}.{number}"
        seen.add(again)
        unique.append(again)
    return unique


def text_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return an Arrow column as texts of the type large_string; raises NotCellsError for what is no cell."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return text_of(pa.chunked_array([chunk.storage for chunk in column.chunks], kind.storage_type))
    for holds, text in TEXTS.items():
        if holds(kind):
            return pc.cast(text(column), TEXT)
    raise NotCellsError(f"of the type {kind}, not a value")


def _of_booleans(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(column, "True", "False")


def _of_floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = pc.cast(column, pa.float32()) if pa.types.is_float16(column.type) else column
    column = pc.if_else(pc.is_nan(column), None, column)
    whole = pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), EXACT))
    if pc.all(whole, min_count=0).as_py():
        return pc.cast(pc.cast(column, pa.float64()), pa.int64())
    texts = pc.cast(column, TEXT)
    return pc.if_else(pc.match_substring_regex(texts, r"^-?\d+$"), _joined(texts, pa.scalar(".0", TEXT)), texts)


def _of_decimals(column: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = pc.cast(column, TEXT)
    if not pc.any(pc.match_substring(texts, "E")).as_py():
        return texts
    return _by_value(column, lambda value: f"{value:f}")


def _of_bytes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    try:
        return pc.cast(column, TEXT)
    except pa.ArrowInvalid:
        raise NotCellsError("bytes, not a text in UTF-8") from None


def _of_dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(pc.cast(column, pa.date32()), TEXT)


def _of_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.cast(_coarsest(column, lambda unit: pa.time32(unit) if unit in ("s", "ms") else pa.time64(unit)), TEXT)


def _of_timestamps(column: pa.ChunkedArray) -> pa.ChunkedArray:
    column = _coarsest(column, lambda unit: pa.timestamp(unit, column.type.tz))
    if column.type.tz is None:
        days = pc.cast(column, pa.date32(), safe=False)
        if pc.all(pc.equal(pc.cast(days, column.type), column), min_count=0).as_py():
            return pc.cast(days, TEXT)
        return pc.replace_substring(pc.cast(column, TEXT), " ", "T")
    local = pc.local_timestamp(column)
    universal = pc.cast(pc.cast(column, pa.int64()), local.type)
    seconds = pc.cast(pc.cast(pc.subtract(local, universal), pa.duration("s")), pa.int64())
    offsets = _by_value(seconds, _offset)
    return _joined(pc.replace_substring(pc.cast(local, TEXT), " ", "T"), offsets)


def _of_durations(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Such as `1 days 02:03:04`, which pandas reads back."""
    return _by_value(pc.cast(column, pa.duration("ns")), lambda value: str(pd.Timedelta(value)))


def _of_lists(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of plain values as JSON; numbers and booleans stay what they are, others become their texts."""
    inner = column.type.value_type
    if pa.types.is_nested(inner):
        raise NotCellsError("lists of lists or structs, not a value")
    if not any(is_plain(inner) for is_plain in (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)):
        column = pa.chunked_array([_lists_of_texts(chunk) for chunk in column.chunks], pa.large_list(TEXT))
    return _by_value(column, json_list)


def _lists_of_texts(lists: pa.Array) -> pa.Array:
    lists = lists.cast(pa.large_list(lists.type.value_type))
    texts = text_of(pa.chunked_array([lists.values])).combine_chunks()
    return pa.LargeListArray.from_arrays(lists.offsets, texts, mask=lists.is_null() if lists.null_count else None)


def json_list(values: list[Any]) -> str:
    """Write a list as JSON; what is no number becomes null.

    >>> json_list(["é", "b"]), json_list([1, 2.5, float("nan")])
    ('["é","b"]', '[1,2.5,null]')
    """
    numbers = [None if isinstance(value, float) and not np.isfinite(value) else value for value in values]
    return json.dumps(numbers, ensure_ascii=False, separators=(",", ":"))


def _refused(reason: str) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    def refuse(column: pa.ChunkedArray) -> pa.ChunkedArray:
        raise NotCellsError(reason)

    return refuse


TEXTS: dict[Callable[[pa.DataType], bool], Callable[[pa.ChunkedArray], pa.ChunkedArray]] = {
    pa.types.is_null: lambda column: pc.cast(column, TEXT),
    pa.types.is_boolean: _of_booleans,
    pa.types.is_integer: lambda column: column,
    pa.types.is_floating: _of_floats,
    pa.types.is_decimal: _of_decimals,
    pa.types.is_string: lambda column: column,
    pa.types.is_large_string: lambda column: column,
    pa.types.is_string_view: lambda column: column,
    pa.types.is_dictionary: lambda column: text_of(pc.cast(column, column.type.value_type)),
    pa.types.is_binary: _of_bytes,
    pa.types.is_large_binary: _of_bytes,
    pa.types.is_fixed_size_binary: lambda column: _of_bytes(pc.cast(column, pa.large_binary())),
    pa.types.is_binary_view: lambda column: _of_bytes(pc.cast(column, pa.large_binary())),
    pa.types.is_date: _of_dates,
    pa.types.is_timestamp: _of_timestamps,
    pa.types.is_time: _of_times,
    pa.types.is_duration: _of_durations,
    pa.types.is_list: _of_lists,
    pa.types.is_large_list: _of_lists,
    pa.types.is_fixed_size_list: _of_lists,
    pa.types.is_list_view: lambda column: _of_lists(pc.cast(column, pa.large_list(column.type.value_type))),
    pa.types.is_large_list_view: lambda column: _of_lists(pc.cast(column, pa.large_list(column.type.value_type))),
    pa.types.is_struct: _refused("a struct, not a value"),
    pa.types.is_map: _refused("a map, not a value"),
}


def _coarsest(column: pa.ChunkedArray, typed: Callable[[str], pa.DataType]) -> pa.ChunkedArray:
    """The column in the coarsest unit that loses nothing, so that 12:00 has no fraction of a second."""
    for unit in ("s", "ms", "us", "ns"):
        try:
            return pc.cast(column, typed(unit))
        except pa.ArrowInvalid:
            continue
    return column


def _joined(texts: pa.ChunkedArray, endings: pa.ChunkedArray | pa.Scalar) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(texts, endings, pa.scalar("", TEXT))


def _offset(seconds: int) -> str:
    minutes = abs(seconds) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}"


def _by_value(column: pa.ChunkedArray, text: Callable[[Any], str]) -> pa.ChunkedArray:
    """The texts of values for which Arrow has no form of its own."""
    return pa.chunked_array([pa.array([None if value is None else text(value) for value in column.to_pylist()], TEXT)])


def _arrow(column: "pd.Series[Any]") -> pa.ChunkedArray:
    """A column of pandas as Arrow's; what Arrow has no type for becomes texts."""
    if isinstance(column.dtype, pd.PeriodDtype | pd.IntervalDtype):
        column = column.map(str, na_action="ignore")
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        universal = pa.array(column.dt.tz_convert(None), from_pandas=True)
        return pa.chunked_array([pc.cast(universal, pa.timestamp(universal.type.unit, str(column.dtype.tz)))])
    try:
        values = pa.array(column, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError, ValueError, OverflowError):
        values = pa.array([_cell(value) for value in column], TEXT)
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


def _cell(value: Any) -> str | None:
    """A value of a column that holds several types."""
    if isinstance(value, list | tuple | set | dict | np.ndarray):
        return str(value)
    if pd.isna(value):
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
