"""What a kind of input tells people and the audit of a row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from goldfold.metrics import Array


@dataclass(frozen=True)
class Shown:
    """A row as people see it: a picture (height, width, 3) uint8 RGB, a text, values by column; what of these it has."""

    picture: Array | None = None
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def together(shown: Sequence[Shown]) -> Shown:
    """One row that several kinds of input show."""
    return Shown(
        picture=next((each.picture for each in shown if each.picture is not None), None),
        text="\n".join(each.text for each in shown if each.text),
        values={name: value for each in shown for name, value in each.values.items()},
    )


class RowFacts(NamedTuple):
    """Numbers about each row, a column for each fact.

    `source` is on where its input comes from, such as its file's size, and should not tell the target; `content` is on what the
    input holds, such as an image's brightness.
    """

    source: pd.DataFrame = pd.DataFrame()
    content: pd.DataFrame = pd.DataFrame()
