"""Dates and times of day as people write them."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from goldfold.metrics import Array
from goldfold.schema.months import DAYS, ENGLISH, in_english
from goldfold.schema.zones import DIRECTIVE, NAME, in_utc

ISO = "ISO8601"
"""pandas' name for all the forms of ISO 8601, a date with or without a time and an offset."""
ISO_DATE = re.compile(
    r"\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?(Z|[+-]\d{2}:?\d{2})?)?)?|\d{8}T\d{4}(\d{2})?(Z|[+-]\d{4})?"
)
PERIODS = {
    "quarter": re.compile(r"(?P<year>\d{4})[\s/_-]?Q(?P<part>[1-4])|Q(?P<part2>[1-4])[\s/_-]?(?P<year2>\d{4})", re.IGNORECASE),
    "half-year": re.compile(
        r"(?P<year>\d{4})[\s/_-]?[HS](?P<part>[12])|[HS](?P<part2>[12])[\s/_-]?(?P<year2>\d{4})", re.IGNORECASE
    ),
    "week": re.compile(
        r"(?P<year>\d{4})[\s/_-]?(?:W|KW|CW|week )(?P<part>\d{1,2})(?:-?(?P<day>[1-7]))?"
        r"|(?:W|KW|CW|week )\s?(?P<part2>\d{1,2})[\s/_-](?P<year2>\d{4})",
        re.IGNORECASE,
    ),
}
"""Parts of a year, which are read as their first day: 2020Q1 and Q1 2020, weeks of ISO 8601 such as 2020-W05 or 2020-W05-3."""
MONTHS_OF = {"quarter": 3, "half-year": 6}
CLOCKS = {"seconds": 1, "milliseconds": 1000}
"""Moments as a count since 1970: how many make a second, by the names of their formats."""
CLOCK = re.compile(
    r"(?P<t>T|\b)(?P<hour>\d{1,2}):\d{2}(?P<second>:\d{2})?(?P<fraction>[.,]\d{1,9})?(?P<half>\s?[AaPp][Mm])?"
    r"(?P<offset>\s?(?:GMT|UTC)?[+-]\d{2}:?\d{2}|Z)?"
)
PLAUSIBLE = (1700, 2100)
"""Years of dates without a day, which 5258-01 is none of."""
RECENT = (2000, 2035)
"""Years of moments that are counted in seconds since 1970, as 1577844180 is 2020."""
NEWEST_OF_TWO_DIGITS = 2029
"""The last year that two digits mean, as in Excel: 29 is 2029, and 30 is 1930."""
LETTERS_AT_DIGITS = re.compile(r"(?!T)[A-Za-z]\0|\0(?![TZ])[A-Za-z]")
"""What no date has, with its directives as \\0: 2019Q3."""
SPELT_OUT = {r"(?<=\d)(?:st|nd|rd|th|er|re)\b|(?<=\d)[ºª°]": "", r"\b([ap])\.\s?m\.?": r"\1m"}
"""How people write what strptime knows otherwise."""
SAMPLED, MOST_FORMATS = 50, 4
ZONE = re.compile(r"(?<![%A-Za-z])[A-Z]{2,5}(?![a-z])")
"""The name of a time zone that is not known: the moments of one are not those of another."""
TIME = r"^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:[.,](\d+))?)?(?=\D*$)|(?=\s?[AaPp]))(?:\s?([AaPp])\.?[Mm]\.?)?$"


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
    if format in PERIODS:
        return _first_days(cells, format)
    if format in CLOCKS:
        since: pd.Series = pd.to_timedelta(pd.to_numeric(cells, errors="coerce") / CLOCKS[format] * 1e6, unit="us")
        return (pd.Timestamp(0, tz="UTC") + since).dt.as_unit("us")
    if DIRECTIVE in format:
        moments = read_dates(cells.str.replace(NAME, "", regex=True), format.replace(DIRECTIVE, ""))
        return moments if "%z" in format else in_utc(moments, cells.str.extract(NAME)[0])
    if re.search("%[bap]", format):
        cells = _plainly(cells)
    moments = _parsed(cells, format)
    for shorter in _shorter(format):
        unread = moments.isna() & cells.notna()
        if not unread.any():
            break
        moments = moments.where(~unread, _parsed(cells[unread], shorter))
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
    minute = minute.where(half.isna(), minute.fillna(0))
    seconds = hour * 3600 + minute * 60 + second.fillna(0) + fraction
    return _elapsed(seconds.where((hour < 24) & (minute < 60) & (second.fillna(0) < 60)))


def _parsed(cells: pd.Series, format: str) -> pd.Series:
    moments: pd.Series = pd.to_datetime(cells, format=format, errors="coerce", utc=True).dt.as_unit("us")
    return moments


def _first_days(cells: pd.Series, period: str) -> pd.Series:
    """The first day of each quarter or week, or the day of the week that is named."""
    found = cells.str.extract(rf"^(?:{PERIODS[period].pattern})$", flags=re.IGNORECASE)
    year, part = found["year"].fillna(found["year2"]), found["part"].fillna(found["part2"])
    if period in MONTHS_OF:
        month = pd.to_numeric(part) * MONTHS_OF[period] - MONTHS_OF[period] + 1
        return _parsed(year + "-" + month.astype("Int64").astype("str").str.zfill(2), "%Y-%m")
    return _parsed(year + "-" + part.str.zfill(2) + "-" + found["day"].fillna("1"), "%G-%V-%u")


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
    """Whether dates in a format that other things are written in too are dates: a year and a month, a year of two digits, or a
    count of seconds.
    """
    moments = read_dates(cells, format).dropna()
    if "%j" in format and not dated:
        return False
    if format in CLOCKS:
        return dated and bool(moments.dt.year.between(*RECENT).all())
    if "%y" in format:
        years = moments.dt.year % 100
        return dated or bool((moments.dt.day > 12).any() or (("%d" not in format) & ((years > 31) | (years == 0))).any())
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
    if re.fullmatch(r"\d{10}(\.\d+)?|\d{13}", cell):
        return ["milliseconds" if len(cell) == 13 and cell.isdecimal() else "seconds"]
    if period := next((name for name, written in PERIODS.items() if written.fullmatch(cell)), None):
        return [period]
    text, clock = cell, CLOCK.search(cell)
    if clock and (zone := NAME.search(cell, clock.end())):
        cell = text = f"{cell[: zone.start()]}{DIRECTIVE}{cell[zone.end() :]}"
    time = ""
    if clock:
        time = ("%I" if clock["half"] else "%H") + ":%M" + ":%S" * bool(clock["second"])
        time += f"{clock['fraction'][0]}%f" if clock["fraction"] else ""
        time += re.sub(r"\S+", "%p", clock["half"] or "") + re.sub(r"[+-]\S+|Z", "%z", clock["offset"] or "")
        text = f"{cell[: clock.start()]}\0{cell[clock.end() :]}"
    text, named = _names(text)
    text = text.replace("\0", (clock["t"] if clock else "") + time)
    groups = re.findall(r"(?<!%)\d+", text)
    formats = [_filled(text, order) for order in _orders([len(group) for group in groups], named)]
    return [format for format in formats if not LETTERS_AT_DIGITS.search(re.sub("(?:GMT|UTC)?%[A-Za-z]", "\0", format))]


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
        case [4, 3] if not month_is_named:
            return ["Y/j"]
        case [4, 1 | 2]:
            return ["Y/d"] if month_is_named else ["Y/m"]
        case [1 | 2, 4]:
            return ["d/Y"] if month_is_named else ["m/Y"]
        case [1 | 2, 2] if month_is_named:
            return ["d/y"]
        case [4] if month_is_named:
            return ["Y"]
        case [2] if month_is_named:
            return ["y"]
    return []


def _filled(text: str, order: str) -> str:
    """The text with its groups of digits as directives."""
    directives = iter("".join(f"%{letter}" for letter in part) for part in (order.split("/") if "/" in order else [order]))
    return re.sub(r"(?<!%)\d+", lambda _: next(directives), text)
