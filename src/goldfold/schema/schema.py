"""Schema: what a competition's columns are, worked out from the cells of all its tables together."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from goldfold.config import Kind
from goldfold.schema.column import Column, folded, stripped, texts_of
from goldfold.schema.kinds import NUMBERED, boolean_column, plain_column, worded_column, work_out_column
from goldfold.tables import TextTable

LISTED, HEAD, MOST_CATEGORIES = 20, 500, 10_000
WORDED = ("category", "text")
T = TypeVar("T")


@dataclass(frozen=True)
class Schema:
    """What each column of a competition's tables is, and how its cells become values."""

    columns: tuple[Column, ...] = ()

    @classmethod
    def from_json(cls, value: Sequence[Mapping[str, Any]]) -> "Schema":
        """Rebuild what `to_json` gave."""
        return cls(tuple(Column.from_json(column) for column in value))

    def to_json(self) -> list[dict[str, Any]]:
        """The schema as JSON holds it."""
        return [column.to_json() for column in self.columns]

    def read(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Read a table of texts as values; columns that the schema does not have stay texts."""
        known = {column.name: column for column in self.columns}
        values = _for_each(lambda name: known[name].read(cells[name]) if name in known else cells[name], cells.columns)
        # Without a copy the columns stay apart: putting them side by side takes as long as reading them.
        return pd.DataFrame(dict(zip(cells.columns, values, strict=True)), index=cells.index, columns=cells.columns, copy=False)

    def column(self, name: str) -> Column | None:
        """The column of this name."""
        return next((column for column in self.columns if column.name == name), None)


def work_out_schema(
    tables: Sequence[TextTable], kinds: Mapping[str, Kind], as_written: Collection[str] = (), missing: Collection[str] = ()
) -> Schema:
    """Work out what each column is, from the texts of its cells in all tables.

    `kinds` says what some columns are; the columns `as_written` are texts that name something, such as a file, and stay as they
    are; `missing` are further words that mean nothing. Raises InputError for a kind that the cells are not of.
    """
    names = list(dict.fromkeys(name for table in tables for name in table.cells.columns))

    def work_out(name: str) -> Column:
        if name in as_written:
            return Column(name, "category", why="as written, since it names something")
        return _work_out_column(name, [table for table in tables if name in table.cells], kinds.get(name), missing)

    return Schema(tuple(_for_each(work_out, names)))


def _for_each(work: Callable[[str], T], names: Iterable[str]) -> list[T]:
    """What `work` gives for each column, on all cores: most of it is Arrow's, which does without the interpreter's lock."""
    with ThreadPoolExecutor(pa.cpu_count()) as pool:
        return list(pool.map(work, names))


def _work_out_column(name: str, tables: Sequence[TextTable], kind: Kind | None, missing: Collection[str]) -> Column:
    as_they_are = pa.chunked_array([chunk for table in tables for chunk in texts_of(table.cells[name]).chunks])
    column = plain_column(name, as_they_are, kind) if kind in (None, "number") and not missing else None
    if column:
        return column
    parts = [(table, stripped(table.cells[name])) for table in tables]
    column = work_out_column(name, pa.chunked_array([part for _, part in parts]), kind, missing)
    if kind is None and len(parts) > 1:
        column = _as_each_writes(column, parts, missing)
    if column.kind == "category" and "numeric" not in column.format and not column.doubt:
        column = _one_spelling(column, parts)
    return _with_odd_cells(column, parts)


def _as_each_writes(column: Column, parts: Sequence[tuple[TextTable, pa.Array]], missing: Collection[str]) -> Column:
    """The column in each table's own format, where one writes 1,5 and another 1.5; with a doubt where they contradict each other.

    A table's first cells tell whether it is of one kind with another format than the whole column; most are not.
    """

    def alone(part: pa.Array) -> Column:
        return work_out_column(column.name, pa.chunked_array([part]), missing=missing)

    def agree(columns: Sequence[Column]) -> bool:
        return all((one.kind, one.format) == (column.kind, column.format) for one in columns)

    filled = [(table, part) for table, part in parts if pc.any(pc.not_equal(part, "")).as_py()]
    if column.kind in WORDED and any(alone(part.slice(0, HEAD)).kind in WORDED for _, part in filled):
        return column
    if column.kind not in (*WORDED, "number") and not column.odd_cells:
        return column
    own = [alone(part) for _, part in filled]
    if agree(own) or any(one.kind in WORDED for one in own):
        return column
    distinct = [pd.Series(part.unique().to_pandas().astype("str")) for _, part in filled]
    if "boolean" in {one.kind for one in own}:
        own = [boolean_column(column.name, cells[cells != ""], NUMBERED) or one for one, cells in zip(own, distinct, strict=True)]
    formats = [dict(format) for one in own for format in (one.format, *one.others)]
    ways = [format for at, format in enumerate(formats) if format not in formats[:at]]
    # 12 % is 0.12 in one table and 12 in another, and 5 km is no 5 miles.
    units = {(format.get("before", ""), format.get("after", "").casefold()) for format in formats}
    clash = len(units - {("", "")}) > 1 or (("", "%") in units and len(units) > 1)
    odd_cells = sum(one.odd_cells for one in own)
    missing = tuple(sorted({cell for one in own for cell in one.missing}))
    made = replace(own[0], others=tuple(ways[1:]), missing=missing, odd_cells=odd_cells, whole=False)
    written = "; ".join(f"{one.why} in {table.path.name}" for one, (table, _) in zip(own, filled, strict=True))
    for one, cells in zip(own, distinct, strict=True):
        if one.kind != made.kind or clash or not replace(one, whole=False).read(cells).equals(made.read(cells)):
            doubt = f"each table writes it otherwise ({written}), so that it stays as it is written: write it alike, or drop it"
            return replace(worded_column(column.name, cells.value_counts()), doubt=doubt)
    return replace(made, why=written, whole=all(one.whole for one in own))


def _one_spelling(column: Column, parts: Sequence[tuple[TextTable, pa.Array]]) -> Column:
    """The categories without their case and form of Unicode, where only different tables differ in these.

    With a doubt where the rows of one table do, and where the tables have no category in common.
    """
    each = [set(part.unique().to_pylist()) - {"", *column.missing} for _, part in parts]
    if max(map(len, each)) > MOST_CATEGORIES:
        return column
    forms = [{cell: folded(cell) for cell in sorted(cells)} for cells in each]
    for form in forms:
        first: dict[str, str] = {}
        if twice := next((cell for cell in form if first.setdefault(form[cell], cell) != cell), None):
            pair = f"{first[form[twice]]!r} and {twice!r} differ by their case or form of Unicode alone, and are two categories"
            return replace(column, doubt=pair)
    if len({*chain(*(form.values() for form in forms))}) < len(set.union(*each)):
        return replace(column, format={"folded": True}, why=f"{column.why}, in any case, as tables write them otherwise")
    repeat = all(0 < 2 * len(cells) <= len(part) for cells, (_, part) in zip(each, parts, strict=True))
    if repeat and len(parts) > 1 and not set.intersection(*each):
        shown = [f"{', '.join(sorted(cells)[:3])} in {table.path.name}" for cells, (table, _) in zip(each, parts, strict=True)]
        return replace(column, doubt=f"the tables have no category in common ({'; '.join(shown)}): write them alike, or drop it")
    return column


def _with_odd_cells(column: Column, parts: Sequence[tuple[TextTable, pa.Array]]) -> Column:
    """The column with the file and row of its first odd cells."""
    if not column.odd_cells:
        return column
    lines: list[str] = []
    for table, texts in parts:
        cells = pd.Series(texts.to_pandas().astype("str"))
        odd = cells.ne("") & ~cells.isin(column.missing) & column.read(cells).isna()
        lines += [f"{table.path.name} row {table.rows[at]}: {cells[at]!r}" for at in np.flatnonzero(odd)[: LISTED - len(lines)]]
    return replace(column, odd=tuple(lines))
