"""Dates and times of day as people write them."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from goldfold.metrics import Array
from goldfold.schema.months import DAYS, ENGLISH, in_english

ISO = "ISO8601"
"""pandas' name for all the forms of ISO 8601, a date with or without a time and an offset."""
ISO_DATE = re.compile(r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?)?")
CLOCK = re.compile(
    r"(?P<t>T|\b)(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2})?(?P<fraction>[.,]\d{1,9})?(?P<half>\s?[AaPp][Mm])?"
    r"(?P<offset>\s?[+-]\d{2}:?\d{2}|Z)?"
)
PLAUSIBLE = (1700, 2100)
"""Years of dates without a day, which 5258-01 is none of."""
NEWEST_OF_TWO_DIGITS = 2029
"""The last year that two digits mean, as in Excel: 29 is 2029, and 30 is 1930."""
LETTERS_AT_DIGITS = re.compile(r"(?!T)[A-Za-z]\0|\0(?![TZ])[A-Za-z]")
"""What no date has, with its directives as \\0: 2019Q3."""
SPELT_OUT = {r"(?<=\d)(?:st|nd|rd|th|er|re)\b|(?<=\d)[ºª°]": "", r"\b([ap])\.\s?m\.?": r"\1m"}
"""How people write what strptime knows otherwise."""
SAMPLED, MOST_FORMATS = 50, 4
ZONE = re.compile(r"(?<![%A-Za-z])[A-Z]{2,5}(?![a-z])")
"""The name of a time zone, which is not read: the moments of one are not those of another."""
TIME = r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?:\s?([AaPp])\.?[Mm]\.?)?$"


def date_format(cells: pd.Series, dated: bool = False) -> tuple[str, tuple[str, ...], Array] | None:
    """Work out the one format by which most of these distinct, stripped cells are dates.

    `dated` says that the column's name is one of dates: else years of two digits are only read where a day is beyond the 12th.

    Returns the format, others that would read as many cells in another order of day and month, and which cells it reads,
    (n,) bool. Of such orders the one whose dates lie closest together is taken: a wrong one scatters them over the year.
    """
    sample = cells.iloc[np.unique(np.linspace(0, len(cells) - 1, min(len(cells), SAMPLED)).astype(int))]
    formats = list(dict.fromkeys(format for cell in _plainly(sample) for format in _formats_of(cell)))
    formats = [format for format in formats if _is_plausible(sample, format, dated)]
    counts = {format: int(read_dates(cells, format).notna().sum()) for format in formats}
    most = max(counts.values(), default=0)
    if not most:
        return None
    best = [format for format, count in counts.items() if count == most]
    best.sort(key=lambda format: (format != ISO, _span(cells, format)))
    others = tuple(format for format in best[1:] if _order(format) != _order(best[0]) and ISO not in (format, best[0]))
    return best[0], others, read_dates(cells, best[0]).notna().to_numpy()


def date_formats(cells: pd.Series, dated: bool = False) -> list[str]:
    """Work out the formats by which distinct, stripped cells are dates, the likelier first; some rows may be written otherwise.

    All that have the day and the month as numbers beside each other have them in one order, and all name one time zone, or none.
    """
    formats: list[str] = []
    while len(cells) and len(formats) < MOST_FORMATS:
        found = date_format(cells, dated)
        fitting = [one for one in (found[0], *found[1]) if all(_go_together(one, other) for other in formats)] if found else []
        if not fitting:
            break
        formats.append(fitting[0])
        cells = cells[read_dates(cells, fitting[0]).isna()].reset_index(drop=True)
    return formats


def read_dates(cells: pd.Series, format: str) -> pd.Series:
    """Read stripped cells as moments in UTC, missing where one is written otherwise; without an offset they are UTC.

    >>> read_dates(pd.Series(["31/12/2019", "soon"]), "%d/%m/%Y").dt.day.tolist()
    [31.0, nan]
    """
    if re.search("%[bap]", format):
        cells = _plainly(cells)
    moments: pd.Series = pd.to_datetime(cells, format=format, errors="coerce", utc=True).dt.as_unit("us")
    for shorter in _shorter(format):
        unread = moments.isna() & cells.notna()
        if not unread.any():
            break
        moments = moments.where(
            ~unread, pd.to_datetime(cells[unread], format=shorter, errors="coerce", utc=True).dt.as_unit("us")
        )
    if "%y" in format:
        moments = moments.where(~(moments.dt.year > NEWEST_OF_TWO_DIGITS), moments - pd.DateOffset(years=100))
    return moments


def read_times(cells: pd.Series) -> pd.Series:
    """Read times of day such as 08:15, 8:15:30 or 8:15 PM as time since midnight; missing where one is none.

    >>> read_times(pd.Series(["8:15 PM", "24:00"])).dt.total_seconds().tolist()
    [72900.0, nan]
    """
    parts = cells.astype("str").str.extract(TIME)
    hour, minute, second = (pd.to_numeric(parts[group]) for group in (0, 1, 2))
    fraction = pd.to_numeric("0." + parts[3].fillna("0"))
    half = parts[4].str.lower()
    hour = hour.where(half.isna() | hour.between(1, 12))
    hour = (hour % 12 + 12 * (half == "p")).where(half.notna(), hour)
    seconds = hour * 3600 + minute * 60 + second.fillna(0) + fraction
    return _elapsed(seconds.where((hour < 24) & (minute < 60) & (second.fillna(0) < 60)))


def _parsed(cells: pd.Series, format: str) -> pd.Series:
    moments: pd.Series = pd.to_datetime(cells, format=format, errors="coerce", utc=True).dt.as_unit("us")
    return moments


def _plainly(cells: pd.Series) -> pd.Series:
    """Dates with names of months and days in three English letters, and without 3rd and p.m., which strptime does not know."""
    cells = in_english(cells)
    for written, plain in SPELT_OUT.items():
        cells = cells.str.replace(written, plain, regex=True, flags=re.IGNORECASE)
    return cells


def _shorter(format: str) -> Sequence[str]:
    """The format without its fraction, its seconds, and its time, which some cells of a column may leave out."""
    shorter, left = [], format
    for part in (r"[.,]%f", r":%S", r"[T ,]*%[HI]:%M ?(%p)?( ?%z)?$"):
        without = re.sub(part, "", left)
        shorter += [without] if without != left else []
        left = without
    return shorter


def _is_plausible(cells: pd.Series, format: str, dated: bool) -> bool:
    """Whether dates in a format that other things are written in too are dates: a year and a month, or a year of two digits."""
    moments = read_dates(cells, format).dropna()
    if "%y" in format:
        return dated or bool((moments.dt.day > 12).any())
    has_day = "%d" in format or (format == ISO and bool(cells.str.contains(r"\d-\d+-\d").any()))
    return has_day or bool(moments.dt.year.between(*PLAUSIBLE).all())


def _elapsed(seconds: pd.Series) -> pd.Series:
    return pd.to_timedelta((seconds * 1e6).round(), unit="us").dt.as_unit("us")


def _span(cells: pd.Series, format: str) -> pd.Timedelta:
    moments = read_dates(cells, format)
    return pd.Timedelta(moments.max() - moments.min())


def _go_together(one: str, other: str) -> bool:
    """Whether dates of two formats may be those of one column."""
    both = (one, other)
    orders = {_order(format) for format in both if "%d" in format and "%m" in format and not format.startswith("%Y")}
    return len(orders) < 2 and len({tuple(ZONE.findall(format)) for format in both if format != ISO}) < 2


def _order(format: str) -> str:
    """Which of day and month a format has first."""
    return re.sub(r"[^dm]", "", re.sub(r"%[^dm]", "", format))


def _formats_of(cell: str) -> Sequence[str]:
    """The formats of strptime that may have written a date."""
    if ISO_DATE.fullmatch(cell):
        return [ISO]
    text, clock = cell, CLOCK.search(cell)
    time = ""
    if clock:
        time = ("%I" if clock["half"] else "%H") + ":%M" + ":%S" * bool(clock["second"])
        time += f"{clock['fraction'][0]}%f" if clock["fraction"] else ""
        time += re.sub(r"\S+", "%p", clock["half"] or "") + re.sub(r"\S+", "%z", clock["offset"] or "")
        text = f"{cell[: clock.start()]}\0{cell[clock.end() :]}"
    text, named = _names(text)
    text = text.replace("\0", (clock["t"] if clock else "") + time)
    groups = re.findall(r"(?<!%)\d+", text)
    formats = [_filled(text, order) for order in _orders([len(group) for group in groups], named)]
    return [format for format in formats if not LETTERS_AT_DIGITS.search(re.sub("%[A-Za-z]", "\0", format))]


def _names(text: str) -> tuple[str, bool]:
    """The plain text with names of days and months as directives, and whether there was a month's."""
    named = False

    def directive(match: re.Match[str]) -> str:
        nonlocal named
        if match[0] in ENGLISH:
            named = True
            return "%b"
        return "%a" if match[0] in DAYS else match[0]

    return re.sub(r"(?<!%)[A-Za-z]{3,}", directive, text), named


def _orders(lengths: Sequence[int], month_is_named: bool) -> Sequence[str]:
    """What groups of digits of these lengths may be, as letters of strptime."""
    match lengths:
        case [8 | 12 | 14] if not month_is_named:
            return ["YmdHMS"[: lengths[0] // 2 - 1]]
        case [first, 1 | 2, 1 | 2] if first == 4 and not month_is_named:
            return ["Y/m/d"]
        case [1 | 2, 1 | 2, 4] if not month_is_named:
            return ["d/m/Y", "m/d/Y"]
        case [1 | 2, 1 | 2, 2] if not month_is_named:
            return ["d/m/y", "m/d/y", "y/m/d"]
        case [4, 1 | 2]:
            return ["Y/d"] if month_is_named else ["Y/m"]
        case [1 | 2, 4]:
            return ["d/Y"] if month_is_named else ["m/Y"]
        case [1 | 2, 2] if month_is_named:
            return ["d/y"]
        case [4] if month_is_named:
            return ["Y"]
    return []


def _filled(text: str, order: str) -> str:
    """The text with its groups of digits as directives."""
    directives = iter("".join(f"%{letter}" for letter in part) for part in (order.split("/") if "/" in order else [order]))
    return re.sub(r"(?<!%)\d+", lambda _: next(directives), text)
