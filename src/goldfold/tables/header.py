"""Whether the first line of a table names its columns, and how the names are cleaned."""

from itertools import pairwise
from typing import NamedTuple

from goldfold.tables.dialect import is_number

MISSING = {"", "na", "n/a", "nan", "null", "none", "?"}


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
    numbers = [bool(column) and all(map(is_number, column)) for column in columns]
    named = [cell.strip().lower() not in MISSING for cell in first]
    if not rows:
        return HeaderGuess(not all(map(is_number, first)) or _counts(first), False, "there is no other line")
    if any(number and name and not is_number(cell) for number, name, cell in zip(numbers, named, first, strict=True)):
        return HeaderGuess(True, True, "it stands over columns of numbers and is none")
    if not first[0].strip() and any(first) and len(columns[0]) == len(rows):
        return HeaderGuess(True, True, "its first cell alone is empty, as pandas leaves it above an index")
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
