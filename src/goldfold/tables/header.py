"""Which line of a table names its columns, if one does."""

from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from goldfold.errors import InputError
from goldfold.tables.dialect import common_width, ending_of, find_dialect, is_number, records

MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}
MOST_ABOVE, ROWS_BELOW = 20, 200
COMMENT = ("#", "//", "%")


class HeaderGuess(NamedTuple):
    """Whether a table has a header, whether that is certain, and why."""

    header: bool
    certain: bool
    reason: str


def guess_header(first: list[str], rows: list[list[str]]) -> HeaderGuess:
    """Work out from a table's first line and the rows after it whether the first line is a header.

    >>> guess_header(["0", "1", "2"], [["5.1", "3.5", "0.2"]]).header
    True
    >>> guess_header(["5.1", "3.5", "setosa"], [["4.9", "3.0", "setosa"], ["6.1", "2.8", "virginica"]])
    HeaderGuess(header=False, certain=True, reason='the first line is like the others')
    """
    rows = [row for row in rows if row != first] or rows
    columns = [[row[at] for row in rows if at < len(row) and row[at].strip().lower() not in MISSING] for at in range(len(first))]
    numbers = [_are_numbers(column) for column in columns]
    named = [cell.strip().lower() not in MISSING for cell in first]
    if not rows:
        return HeaderGuess(not all(map(is_number, first)) or _counts(first), False, "there is no other line")
    if any(number and name and not is_number(cell) for number, name, cell in zip(numbers, named, first, strict=True)):
        return HeaderGuess(True, True, "it stands over columns of numbers and is none")
    if not first[0].strip() and any(first) and len(columns[0]) == len(rows):
        return HeaderGuess(True, True, "its first cell alone is empty, as pandas leaves it above an index")
    if any(
        ending_of(cell) and {ending_of(cell)} == set(map(ending_of, column)) for cell, column in zip(first, columns, strict=True)
    ):
        return HeaderGuess(False, True, "its names of files end as those in the rows")
    if _counts([cell for cell in first if is_number(cell)]):
        return HeaderGuess(True, len(first) > 2, "its numbers count the columns")
    repeated = any(cell in column for cell, column, number in zip(first, columns, numbers, strict=True) if cell and not number)
    if any(numbers):
        if len(set(first)) == len(first) and _steps([cell for cell in first if is_number(cell)]):
            return HeaderGuess(True, False, "its numbers go up by even steps")
        return HeaderGuess(False, repeated or all(numbers), "the first line is like the others")
    if repeated:
        return HeaderGuess(False, False, "its values stand in the rows as well")
    return HeaderGuess(True, False, "tables have one, and it is unlike the rows")


def lines_above(path: Path, sample: str) -> int:
    """Return how many lines stand above a table's header: titles and comments, of fewer cells than it has columns.

    That it is a header is only certain where each of its cells is a word and a column beneath holds numbers alone. Raises
    InputError where a full row stands above such a one: a title with commas, or a header above a row of units.
    """
    lines = sample.splitlines(keepends=True)
    dialect = find_dialect("".join(lines[min(MOST_ABOVE, len(lines) // 2) :]))
    found = list(islice(records(sample, dialect), MOST_ABOVE + ROWS_BELOW))
    rows = [cells for cells, _ in found]
    numbers: list[int] = []
    at = next((at for at in range(min(MOST_ABOVE, len(rows) - 2)) if (numbers := _headed(rows[at], rows[at + 1 :]))), 0)
    above = [row for row in rows[:at] if sum(map(bool, row)) == len(rows[at]) and not row[0].startswith(COMMENT)]
    if above and (len(numbers) == 1 or any(is_number(row[column]) for row in above for column in numbers)):
        # A row of words among rows of numbers.
        return 0
    if above:
        raise InputError(
            f"{path}: its lines {found[at - 1][1]} and {found[at][1]} both read as a header",
            [", ".join(cell.strip() for cell in row)[:80] for row in (above[-1], rows[at])],
            "leave one of them out of the file: a title, or the units of the columns",
        )
    return found[at - 1][1] if at else 0


def _headed(first: list[str], rows: list[list[str]]) -> list[int]:
    """The columns of numbers beneath a row of words that is as wide as the rows beneath; none where it is no such row."""
    rows = [row for row in rows if row != first]
    if len(first) < 2 or len(rows) < 2 or len(first) != common_width(rows):
        return []
    if any(cell.strip().lower() in MISSING or is_number(cell) for cell in first):
        return []
    return [at for at in range(len(first)) if _are_numbers([row[at] for row in rows if at < len(row) and row[at]])]


def _are_numbers(cells: list[str]) -> bool:
    return bool(cells) and all(map(is_number, cells))


def _counts(names: list[str]) -> bool:
    """Whether names are 0, 1, 2, … as pandas names the columns of an array; or 1, 2, …"""
    return len(names) > 1 and names in ([str(at) for at in range(len(names))], [str(at + 1) for at in range(len(names))])


def _steps(names: list[str]) -> bool:
    """Whether names are numbers that go up by even steps, such as years or wavelengths."""
    try:
        values = [float(name) for name in names]
    except ValueError:
        return False
    steps = {round(after - before, 9) for before, after in pairwise(values)}
    return len(steps) == 1 and min(steps) > 0 and (len(values) > 2 or steps == {1.0})
