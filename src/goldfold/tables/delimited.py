"""Reading delimited text: CSV, TSV and their kin."""

import csv
import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.tables.dialect import Dialect, common_width, find_dialect, is_number, records
from goldfold.tables.encoding import as_utf8
from goldfold.tables.header import HeaderGuess, guess_header, lines_above
from goldfold.tables.text import TEXT
from goldfold.tables.unpacking import unpacked

SAMPLE = 2**18
ROWS = 1000
BLOCK = 2**20
MEND = "open it in an editor and look for an unclosed quotation mark, or a value that holds the separator without quotes"


class Start(NamedTuple):
    """What the beginning of a delimited file shows: how it is written, its first line, which takes `lines`, and the next rows."""

    dialect: Dialect
    first: list[str]
    rows: list[list[str]]
    guess: HeaderGuess
    lines: int
    width: int

    def numbers(self) -> list[int]:
        """The places of the columns whose cells are numbers, as far as can be seen."""
        rows = [row for row in self.rows if len(row) == self.width]
        return [at for at in range(self.width) if rows and all(is_number(row[at]) for row in rows if row[at])]

    def names(self, header: bool) -> list[str]:
        """The names of the columns as they are written; a header one shorter than the rows lacks the first or the last."""
        if not header:
            return [f"column{number}" for number in range(1, self.width + 1)]
        if self.width != len(self.first) + 1:
            return self.first
        return [*self.first, ""] if all(row[-1] == "" for row in self.rows if len(row) == self.width) else ["", *self.first]


class Cells(NamedTuple):
    """The columns of a file by the names in it, the row of the file of each row, and remarks."""

    names: list[str]
    columns: list[pa.ChunkedArray]
    rows: Array
    remarks: list[str]


def start_of(path: Path, data: bytes) -> Start:
    """Work out how a delimited text in UTF-8 is written, from its beginning; raises InputError for one without a row."""
    sample = _sample(data)
    dialect = find_dialect(sample)
    if dialect.separator == " ":
        sample = _tabbed(sample.encode()).decode()
        dialect = Dialect("\t")
    rows = [record for record, _ in zip(records(sample, dialect), range(ROWS), strict=False)]
    if not rows:
        raise InputError(f"{path} is empty", mend="fetch it again")
    first, lines = rows[0]
    others = [cells for cells, _ in rows[1:]]
    return Start(dialect, first, others, guess_header(first, others), lines, common_width(others or [first]))


def read_delimited(path: Path, data: bytes, header: bool | None, encoding: str | None) -> Cells:
    """Read a delimited text; raises InputError with the row where its cells do not fit its columns."""
    data, remarks = as_utf8(path, data, encoding)
    data, shift = _plain(path, data, remarks)
    if find_dialect(_sample(data)).separator == " ":
        data = _tabbed(data)
    start = start_of(path, data)
    if start.dialect.spaced:
        data = re.sub(rb"(%s) +(?=\"(?!\"))" % re.escape(start.dialect.separator.encode()), rb"\1", data)
    with_header = start.guess.header if header is None else header
    if header is None and not start.guess.certain and (not start.guess.header or start.guess.reason.startswith("its")):
        remarks.append(f"its first line was {'taken for' if with_header else 'not taken for'} a header: {start.guess.reason}")
    names = start.names(with_header)
    lines = start.lines if with_header else 0
    table, odd = _parsed(path, data, _end_of_line(data, lines), len(names), start.dialect)
    rows = _rows_of_file(data, len(table) + len(odd), with_header, start.dialect)
    if len(rows):
        _require_closed(path, data, int(rows[-1]), start.dialect)
    rows = rows + shift
    if start.dialect.quote.encode() in data and data.count(b"\n") > len(rows) + with_header:
        _refuse_swallowed(path, table, np.delete(rows, [at for at, _ in odd]), start)
    if odd:
        whole = data.endswith((b"\n", b"\r"))
        table, rows = _mended(path, table, rows, odd, start, whole, remarks)
    if with_header and len(names) > 1:
        table, rows = _without_headers(table, rows, names, remarks)
    return Cells(names, table.columns, rows, remarks)


def beginning_of(path: Path, encoding: str | None) -> Start:
    """Work out how a delimited file is written from its first bytes."""
    _, data = unpacked(path, 2 * SAMPLE)
    whole = len(data) < 2 * SAMPLE
    if not whole:
        data = data[: data.rfind(b"\n") + 1] or data
    return start_of(path, _plain(path, as_utf8(path, data, encoding, whole)[0], [])[0])


def first_names(path: Path, header: bool | None, encoding: str | None) -> list[str] | None:
    """The names of a delimited file's columns from its beginning, or None where only the whole file tells them."""
    start = beginning_of(path, encoding)
    with_header = start.guess.header if header is None else header
    names = start.names(with_header)
    return names if not with_header or len(names) == len(start.first) else None


def _plain(path: Path, data: bytes, remarks: list[str]) -> tuple[bytes, int]:
    """The bytes with line feeds, without what stands above the header; and the number of lines that went."""
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")
    if re.match(rb"sep=[^\r\n]\r?\n", data):
        remarks.append("its first line says how its cells are separated, and was left out")
        return data[data.index(b"\n") + 1 :], 1
    above = lines_above(path, _sample(data))
    if above:
        end = _end_of_line(data, above)
        title = " ⏎ ".join(data[:end].decode("utf-8", "replace").split("\n"))[:80].rstrip("\r⏎ ")
        remarks.append(f"{'1 line' if above == 1 else f'{above} lines'} above its header, left out: {title}")
        return data[end:], above
    return data, 0


def _sample(data: bytes) -> str:
    """Whole lines from the beginning."""
    if len(data) > SAMPLE:
        data = data[: data.rfind(b"\n", 0, SAMPLE) + 1] or data[:SAMPLE]
    return data.decode("utf-8", "ignore")


def _tabbed(data: bytes) -> bytes:
    """A text whose cells are separated by spaces, with tabs."""
    return re.sub(rb" +", b"\t", re.sub(rb"(?m)^ +| +(?=\r?$)", b"", data))


def _end_of_line(data: bytes, number: int) -> int:
    """Where the line after line `number` begins."""
    at = 0
    for _ in range(number):
        end = data.find(b"\n", at)
        if end < 0:
            return len(data)
        at = end + 1
    return at


def _parsed(path: Path, data: bytes, begin: int, width: int, dialect: Dialect) -> tuple[pa.Table, list[tuple[int, str]]]:
    """The rows from `begin` on as texts; and the place among all rows, and the text, of each that is not `width` cells wide."""
    names = [str(at) for at in range(width)]
    odd: list[tuple[int | None, str]] = []

    def skip(row: pa.csv.InvalidRow) -> str:
        odd.append((row.number, row.text))
        return "skip"

    def parse(threads: bool) -> pa.Table:
        odd.clear()
        return pa.csv.read_csv(
            pa.BufferReader(pa.py_buffer(data).slice(begin)),
            read_options=pa.csv.ReadOptions(column_names=names, use_threads=threads, block_size=BLOCK),
            parse_options=pa.csv.ParseOptions(
                delimiter=dialect.separator,
                quote_char=dialect.quote,
                escape_char=dialect.escape or False,
                newlines_in_values=inside,
                invalid_row_handler=skip,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, TEXT), strings_can_be_null=False, check_utf8=False
            ),
            # Arrow's own pool took 1.5 times as long: 6.0 s of CPU time for 400 MB, and the system's 4.0 s.
            memory_pool=pa.system_memory_pool(),
        )

    # Often the header alone is quoted.
    quoted = data[: data.rfind(dialect.quote.encode()) + 1]
    inside = bool(quoted) and not _closed(quoted, _ends(quoted), dialect.quote).all()
    if not data[begin : begin + SAMPLE].strip() and not data[begin:].strip():
        return pa.table({name: pa.array([], TEXT) for name in names}), []
    try:
        table = parse(threads=True)
        if odd:
            # Only a single thread counts the rows.
            table = parse(threads=False)
    except pa.ArrowInvalid as error:
        raise InputError(f"{path} cannot be read as a table: {error}", mend=MEND) from None
    return table, [(number - 1, text) for number, text in odd if number is not None]


def _rows_of_file(data: bytes, count: int, header: bool, dialect: Dialect) -> Array:
    """The line on which each of `count` rows begins; rows are counted where that cannot be worked out."""
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if lines == count + header:
        return np.arange(count) + 1 + header
    content = np.frombuffer(data, np.uint8)
    ends = _ends(data)
    closed = _closed(data, ends, dialect.quote)
    begins = np.concatenate([[0], np.flatnonzero(closed)[:-1] + 1]) if closed.any() else np.zeros(1, int)
    starts = np.concatenate([[0], ends[:-1] + 1])[begins]
    stops = ends[np.flatnonzero(closed)] if closed.any() else ends[-1:]
    blank = (stops - starts <= 1) & ((stops == starts) | (content[np.minimum(starts, len(content) - 1)] == ord("\r")))
    numbers = begins[: len(blank)][~blank] + 1
    return numbers[header:] if len(numbers) == count + header else np.arange(count) + 1 + header


def _ends(data: bytes) -> Array:
    """Where each line ends."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    return ends if data.endswith(b"\n") else np.append(ends, len(data))


def _closed(data: bytes, ends: Array, quote: str) -> Array:
    """Whether no quote is open at each end of a line."""
    quotes = np.flatnonzero(np.frombuffer(data, np.uint8) == ord(quote))
    closed: Array = np.searchsorted(quotes, ends) % 2 == 0
    return closed


def _require_closed(path: Path, data: bytes, row: int, dialect: Dialect) -> None:
    """Raise InputError where a quotation mark in the last row, `row` of the file, is never closed."""
    if data.count(dialect.quote.encode()) % 2 == 0:
        return
    begin = int(_ends(data)[row - 2]) + 1 if row > 1 else 0
    last = io.StringIO(data[begin:].decode("utf-8", "replace"), newline="")
    try:
        list(csv.reader(last, delimiter=dialect.separator, quotechar=dialect.quote, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise InputError(f"{path}: a quotation mark in row {row} is never closed", mend=MEND) from None


def _refuse_swallowed(path: Path, table: pa.Table, rows: Array, start: Start) -> None:
    """Raise InputError for a quoted cell that holds whole rows of the table."""
    width = table.num_columns
    if width < 2:
        return
    edge = re.escape(start.dialect.separator)
    pattern = rf"\n[^{edge}\n]*(?:{edge}[^{edge}\n]*){{{width - 1}}}\n"
    numbers = start.numbers()
    for column in table.columns:
        for at in np.flatnonzero(pc.match_substring_regex(column, pattern).to_numpy()):
            inside = [line.split(start.dialect.separator) for line in column[int(at)].as_py().splitlines()[1:-1]]
            fits = [len(cells) == width and all(is_number(cells[n]) or not cells[n] for n in numbers) for cells in inside]
            if all(fits) and len(fits) >= (1 if numbers else 5):
                raise InputError(
                    f"{path}: a quotation mark in row {rows[at]} opens a cell that holds the next {len(inside)} rows",
                    [column[int(at)].as_py()[:80].replace("\n", " ⏎ ")],
                    "close it, or remove it, or double it if it is a part of the text",
                )


def _mended(
    path: Path, table: pa.Table, rows: Array, odd: list[tuple[int, str]], start: Start, whole: bool, remarks: list[str]
) -> tuple[pa.Table, Array]:
    """The table with the rows that are too short, or too long by empty cells; raises InputError for rows that are broken.

    A short row is broken where it has one cell, where its cells are not of their columns' kind, where it and the next make up one
    row, and where it is the last of a file that is not `whole`, without an end of its last line.
    """
    width = table.num_columns
    texts = dict(odd)
    parts = {at: next((cells for cells, _ in records(text, start.dialect)), []) for at, text in odd}
    cut = {at: cells[:width] for at, cells in parts.items() if len(cells) > width and not any(cells[width:])}
    short = {at: cells for at, cells in parts.items() if 0 < len(cells) < width}
    numbers = start.numbers()

    def is_broken(at: int, cells: list[str]) -> bool:
        misfits = any(cells[n] and not is_number(cells[n]) for n in numbers if n < len(cells))
        pair = 0 not in numbers and any(
            len(cells) + len(short.get(other, ())) in (width, width + 1) for other in (at - 1, at + 1)
        )
        last = at == len(rows) - 1 and not whole
        return (len(cells) == 1 and width > 2) or misfits or pair or last or "\n" in texts[at].strip()

    wrong = {at: len(cells) for at, cells in parts.items() if len(cells) > width and at not in cut}
    wrong |= {at: len(cells) for at, cells in short.items() if is_broken(at, cells)}
    if wrong:
        raise InputError(
            f"{path} has {width} columns, and other rows than that: {len(wrong)}",
            [
                f"row {rows[at]} has {count} {'cell' if count == 1 else 'cells'}, not {width}"
                for at, count in sorted(wrong.items())
            ],
            MEND,
        )
    if short:
        remarks.append(f"{_rows(rows[list(short)])} shorter than the others; the cells that lack were taken as empty")
    if cut:
        remarks.append(f"{_rows(rows[list(cut)])} longer than the others by empty cells, which were left out")
    mended = cut | {at: [*cells, *[""] * (width - len(cells))] for at, cells in short.items()}
    added = pa.table(
        {name: pa.array([cells[at] for cells in mended.values()], TEXT) for at, name in enumerate(table.column_names)}
    )
    places = np.concatenate([np.delete(np.arange(len(rows)), [at for at, _ in odd]), np.array(list(mended), int)])
    order = np.argsort(places, kind="stable")
    return pa.concat_tables([table, added]).take(pa.array(order)), rows[places[order]]


def _without_headers(table: pa.Table, rows: Array, names: list[str], remarks: list[str]) -> tuple[pa.Table, Array]:
    """The table without rows that are the header again, as in files that were joined."""
    firsts = pa.array([names[0], f"\ufeff{names[0]}"], TEXT)
    alike = np.flatnonzero(pc.is_in(table.column(0), firsts).to_numpy())
    again = [at for at in alike.tolist() if [column[at].as_py() for column in table.columns[1:]] == names[1:]]
    if not again:
        return table, rows
    remarks.append(f"the header stands again in {_rows(rows[again], '')}, and was left out")
    kept = np.delete(np.arange(len(rows)), again)
    return table.take(pa.array(kept)), rows[kept]


def _rows(rows: Array, verb: str = " is| are") -> str:
    """Such as `row 5 is`, `rows 5, 7 are`."""
    one, _, several = verb.partition("|")
    listed = ", ".join(map(str, sorted(rows)[:5])) + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
    return f"row {listed}{one}" if len(rows) == 1 else f"rows {listed}{several}"
