"""A row as people see it, and the facts about it that the audit reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd

from goldfold.metrics import Array


@dataclass(frozen=True)
class Shown:
    """A row as people see it: any of a picture (height, width, 3) uint8 RGB, a sound, the content of a FLAC file, a text, and
    values by column."""

    picture: Array | None = None
    sound: bytes | None = None
    text: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


def join_shown(shown: Sequence[Shown]) -> Shown:
    """Join what several kinds of input show of one row."""
    return Shown(
        picture=next((part.picture for part in shown if part.picture is not None), None),
        sound=next((part.sound for part in shown if part.sound is not None), None),
        text="\n".join(part.text for part in shown if part.text),
        values={name: value for part in shown for name, value in part.values.items()},
    )


class RowFacts(NamedTuple):
    """Numbers about each row, a column for each fact.

    `source` is about where the input comes from, such as its file's size, and should not predict the target; `content` is about
    the input itself, such as an image's brightness. `wrong` says what is wrong with some inputs, each a subject and a message.
    """

    source: pd.DataFrame = pd.DataFrame()
    content: pd.DataFrame = pd.DataFrame()
    wrong: tuple[tuple[str, str], ...] = ()
