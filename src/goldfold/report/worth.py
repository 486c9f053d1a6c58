"""What the members of a blend are worth, as a picture and a table."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from goldfold.pages.html import Html, joined, number, paragraph, rows_table
from goldfold.pages.svg import Frame, Scale, scale_of

LINE = 22
"""Pixels of a member's line."""


def worth_of_members(worth: Mapping[str, Any]) -> Html:
    """Return a bar for each member, what the blend's nested score gains by it, with its interval, and all numbers as a table.

    `worth` is what `goldfold worth` writes.
    """
    rows = sorted(worth["members"], key=lambda row: -row["gain"])
    ends = np.array([[row["low"], row["high"]] for row in rows])
    x = scale_of([ends, np.zeros(1)], f"gain in {worth['metric']}, with its interval")
    frame = Frame(x, Scale(0, len(rows)), width=640, height=LINE * len(rows) + 62, bare=True)
    marks = [frame.line(np.zeros(2), np.array([0, len(rows)]), "line grey")]
    for line, row in enumerate(rows):
        y = np.full(2, len(rows) - line - 0.5)
        marks += [frame.line(ends[line], y, "line c0"), frame.dots(np.array([row["gain"]]), y[:1], "c0")]
    table = [
        (
            row["name"],
            number(row["score"]),
            "–" if row["weight"] is None else f"{row['weight']:.3f} ± {row['spread']:.3f}",
            f"{row['correlation']:.3f}",
            f"{row['gain']:+.3g}",
            f"{row['low']:+.3g} to {row['high']:+.3g}",
        )
        for row in rows
    ]
    message = paragraph(
        "How much better the blend's nested score is with each member than without it, from the top in the order of the table. "
        "Where the interval holds 0 that may be noise; what is below 0 can go."
    )
    missing = ", ".join(worth["untried"])
    lacks = [paragraph(f"Models that goldfold race would try, and no member is of: {missing}.")] if missing else []
    head = ("member", f"{worth['metric']} alone", "weight, over folds", "correlation with the others", "gain", "interval")
    return joined([message, frame.drawn(*marks, title="What each member is worth"), rows_table(head, table, numbers=5), *lacks])
