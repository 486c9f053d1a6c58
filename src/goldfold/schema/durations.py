"""Durations as people write them."""

import re

import pandas as pd

CLOCK = r"-?\d+:\d{2}(?::\d{2}(?:[.]\d+)?)?"
ISO = r"-?P(?=\d|T\d)(?:\d+W|(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+(?:\.\d+)?S)?)?)"
DAYS = r"-?\d+\s*days?,?\s+\d+:\d{2}:\d{2}(?:\.\d+)?"
UNITS = {
    "weeks?|wks?|w": 604_800,
    "days?|d|tage?n?|jours?|días?": 86_400,
    "hours?|hrs?|h|std|stunden?|heures?|horas?": 3_600,
    "minutes?|mins?|m|minuten|minutos?": 60,
    "seconds?|secs?|s|sekunden?|secondes?|segundos?": 1,
}
"""The seconds of each unit, by how it is written."""
PART = rf"(\d+(?:[.,]\d+)?)\s*({'|'.join(UNITS)})(?![^\W\d_])\.?"
WORDED = rf"(?:{PART}(?:,|\s|and|und|et|y)*)+"
MINUTES = r"(h\s?\d{1,2})$"
"""Minutes without a unit behind hours, 1h30."""
PLAIN = re.compile("|".join((CLOCK, ISO, DAYS)), re.IGNORECASE)


def are_durations(cells: pd.Series) -> bool:
    """Return whether texts show that they are durations: clocks, ISO 8601, or of several units, as 5 h alone is a number.

    Single letters are units beside others alone, 5m 20s: 38 S and 40 M are sizes.

    >>> are_durations(pd.Series(["1h 20min", "2h"])), are_durations(pd.Series(["5 h", "2 h"]))
    (True, False)
    """
    if cells.str.fullmatch(PLAIN).any():
        return True
    parts = _parts(cells)
    words = bool(parts[1].map(_seconds_of).nunique() > 1 and (parts[1].str.len() > 1).any())
    return words or bool(parts.index.duplicated().any())


def read_durations(cells: pd.Series) -> pd.Series:
    """Read durations such as 36:10:05, 2 days 03:00:00, 1h 20min, 2h or PT5M; missing where one is none.

    >>> read_durations(pd.Series(["36:10:05", "PT5M", "1 h 30", "2h", "5 km"])).dt.total_seconds().tolist()
    [130205.0, 300.0, 5400.0, 7200.0, nan]
    """
    texts = cells.astype("str")
    # pandas wants seconds behind hours and minutes, and small letters of ISO 8601 are none to it.
    full = texts.where(~texts.str.fullmatch(CLOCK) | (texts.str.count(":") == 2), texts + ":00").where(
        ~texts.str.fullmatch(ISO, flags=re.IGNORECASE), texts.str.upper()
    )
    plain = pd.to_timedelta(full.where(texts.str.fullmatch(PLAIN)), errors="coerce").dt.as_unit("us")
    parts = _parts(texts)
    seconds = parts[0].str.replace(",", ".", regex=False).astype("float64") * parts[1].map(_seconds_of).astype("float64")
    worded = pd.to_timedelta((seconds.groupby(level=0).sum() * 1e6).round(), unit="us").dt.as_unit("us")
    return plain.where(plain.notna(), worded.reindex(cells.index))


def _parts(cells: pd.Series) -> pd.DataFrame:
    """The number and the unit of each part of the texts that are made of such alone, by the texts' index."""
    texts = cells.str.replace(MINUTES, r"\1m", regex=True, flags=re.IGNORECASE)
    worded = texts[texts.str.fullmatch(WORDED, flags=re.IGNORECASE).fillna(False).astype(bool)]
    return worded.str.extractall(PART, flags=re.IGNORECASE).droplevel(1)


def _seconds_of(unit: str) -> int:
    return next(seconds for written, seconds in UNITS.items() if re.fullmatch(written, unit, re.IGNORECASE))
