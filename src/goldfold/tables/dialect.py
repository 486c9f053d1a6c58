"""How a delimited text file is written: what separates its cells, and what quotes them."""

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

SEPARATORS = (",", "\t", ";", "|")
RECORDS = 200
MOST_LINES = 0.9
NUMBER = re.compile(r"\s*[-+]?(\d[\d.,]*|[.,]\d+)([eE][-+]?\d+)?\s*%?\s*|\s*[-+]?(nan|inf)\s*", re.IGNORECASE)

FILE = re.compile(r"\S+\.((?=\d*[a-z])\w{2,5})", re.IGNORECASE)
"""A file's name with its ending."""


@dataclass(frozen=True)
class Dialect:
    """A separator (" " for any number of spaces), a quotation mark, what escapes one inside a cell, and spaces before one."""

    separator: str = ","
    quote: str = '"'
    escape: str | None = None
    spaced: bool = False


def find_dialect(sample: str) -> Dialect:
    r"""Work out how the records of a sample, whole lines, are written.

    >>> find_dialect("a;b\n1,5;2\n").separator
    ';'
    """
    choices = [Dialect(separator, quote) for separator in SEPARATORS for quote in _quotes(sample, separator)]
    best = max(choices, key=lambda dialect: _fit(sample, dialect))
    if _fit(sample, best)[0] == 0:
        return Dialect(" ") if _is_aligned(sample) else Dialect()
    for other in (replace(best, escape="\\"), replace(best, spaced=True)):
        if _fit(sample, other)[:2] > _fit(sample, best)[:2] or (other.escape and _escapes(sample, best)):
            best = other
    return best


def records(sample: str, dialect: Dialect) -> Iterator[tuple[list[str], int]]:
    """Yield the cells of each record that is not blank, and the number of the line on which it ends."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(
        io.StringIO(sample, newline=""),
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        escapechar=dialect.escape,
        skipinitialspace=dialect.spaced,
    )
    for cells in reader:
        if cells and (len(cells) > 1 or cells[0].strip()):
            yield cells, reader.line_num


def is_number(text: str) -> bool:
    """Whether a text is a number in any country's spelling."""
    return bool(NUMBER.fullmatch(text))


def ending_of(text: str) -> str:
    """Return the ending of a file's name, an empty text for what is none.

    >>> ending_of("train/0001.JPG"), ending_of("1.5"), ending_of("a word.")
    ('jpg', '', '')
    """
    match = FILE.fullmatch(text)
    return match[1].lower() if match else ""


def common_width(rows: list[list[str]]) -> int:
    """Return the number of cells that most rows have."""
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


@lru_cache(maxsize=16)
def _fit(sample: str, dialect: Dialect) -> tuple[float, float, float, int]:
    """How well a dialect splits a sample: the first line as the others, the shares of rows of one width and of whole cells."""
    rows = [cells for (cells, _), _ in zip(records(sample, dialect), range(RECORDS), strict=False)]
    if not rows:
        return 0, 0, 0, 0
    width = common_width(rows[1:] or rows)
    if len(rows[0]) < 2 or width < 2:
        return 0, 0, 0, 0
    first = 1.0 if len(rows[0]) == width else 0.5 if len(rows[0]) == width - 1 else 0.25
    even = sum(len(row) == width for row in rows[1:] or rows) / len(rows[1:] or rows)
    others = set(SEPARATORS) - {dialect.separator}
    cells = [cell for row in rows for cell in row]
    whole = sum(others.isdisjoint(cell) or is_number(cell) for cell in cells) / len(cells)
    return first, even, whole, width


def _quotes(sample: str, separator: str) -> tuple[str, ...]:
    """The quotation marks that a sample can be written with: ' only where it stands around cells of nearly all lines."""
    if '"' in sample or "'" not in sample:
        return ('"',)
    edge = re.escape(separator)
    lines = [line for line in sample.splitlines() if line.strip()]
    around = sum(bool(re.search(rf"(?:^|{edge})'[^']*'(?={edge}|$)", line)) for line in lines)
    return ("'",) if around >= MOST_LINES * (len(lines) - 1) else ('"',)


def _escapes(sample: str, dialect: Dialect) -> bool:
    """Whether quotation marks inside cells are escaped by a backslash, and none is doubled."""
    edge = re.escape(dialect.separator)
    inside = re.search(rf'\\"(?!["\r\n]|{edge}|$)', sample)
    doubled = re.search(rf'(?<!{edge})(?<!^)""(?!{edge}|$)', sample, re.MULTILINE)
    return bool(inside) and not doubled


def _is_aligned(sample: str) -> bool:
    """Whether spaces separate the cells, for certain: of lines alike, of three cells or more, most are numbers; of two cells,
    all of the first are names of files.
    """
    rows = [line.split() for line in sample.splitlines() if line.strip()]
    if len(rows) < 3 or len(set(map(len, rows))) != 1:
        return False
    if len(rows[0]) == 2:
        return len({ending_of(name) for name, _ in rows}) == 1 and bool(ending_of(rows[0][0]))
    cells = [cell for row in rows[1:] for cell in row]
    return len(rows[0]) > 2 and sum(map(is_number, cells)) > len(cells) / 2
