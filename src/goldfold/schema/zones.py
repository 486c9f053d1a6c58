"""Time zones by their names: 10:00 CET, 10:00 Europe/Berlin."""

import re
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

AHEAD = {
    0: "UTC GMT WET",
    1: "WEST BST CET MEZ",
    2: "CEST MESZ EET SAST",
    3: "EEST MSK",
    5: "PKT",
    5.5: "IST",
    8: "SGT HKT AWST",
    9: "JST KST",
    9.5: "ACST",
    10: "AEST",
    11: "AEDT",
    12: "NZST",
    13: "NZDT",
    -3: "ADT BRT ART",
    -3.5: "NST",
    -4: "AST EDT",
    -5: "EST CDT",
    -6: "CST MDT",
    -7: "MST PDT",
    -8: "PST AKDT",
    -9: "AKST",
    -10: "HST",
}
HOURS: Mapping[str, float] = {name: hours for hours, names in AHEAD.items() for name in names.split()}
"""The hours by which zones are ahead of UTC. CST is America's, IST India's and BST Britain's, which is told."""
NAME = re.compile(rf"\s?\(?(?<![A-Za-z])([A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_-]+){{1,2}}|{'|'.join(HOURS)})\b(?![+-]\d)\)?")
DIRECTIVE = " %Z"
SHOWN = 5


def in_utc(moments: pd.Series, names: pd.Series) -> pd.Series:
    """Return moments of the zones of these names, read as if they were UTC, in UTC; missing for a name of no zone.

    Those without a name are UTC. Of the hour that a clock shows twice it is the second, and of one that it skips the first
    moment after.
    """
    for name in names.dropna().unique():
        here = names == name
        if name in HOURS:
            moments = moments.mask(here, moments - pd.Timedelta(hours=HOURS[name]))
            continue
        zone, clocks = _zone(name), moments[here].dt.tz_localize(None)
        if zone is None:
            moments = moments.mask(here)
            continue
        later = np.zeros(len(clocks), bool)
        moved = clocks.dt.tz_localize(zone, ambiguous=later, nonexistent="shift_forward").dt.tz_convert("UTC")
        moments = moments.mask(here, moved.reindex(moments.index))
    return moments


def zones_of(cells: pd.Series) -> Sequence[str]:
    """Return the zones that moments name, each with what it is taken for.

    >>> zones_of(pd.Series(["10:00 CET", "11:00 Europe/Berlin"]))
    ['CET (UTC+1)', 'Europe/Berlin']
    """
    names = cells.str.extract(NAME)[0].dropna().unique()[:SHOWN]
    return [f"{name} (UTC{HOURS[name]:+g})" if name in HOURS else name for name in names]


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
