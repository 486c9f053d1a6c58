"""Which rows the images of a folder belong to, as the folder's name says: Training, test_images, seg_pred, val."""

import functools
import re
from pathlib import PurePosixPath
from typing import Literal

Side = Literal["train", "validation", "test", "prediction"]

WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
THINGS = r"(?:images?|imgs?|pictures?|photos?|data|set|files?)?"
SIDES: dict[Side, re.Pattern[str]] = {
    "train": re.compile(rf"{THINGS}(?:tr|trn|train|training){THINGS}"),
    "validation": re.compile(rf"{THINGS}(?:val|valid|validation|dev){THINGS}"),
    "test": re.compile(rf"{THINGS}(?:ts|tst|test|tests|testing){THINGS}"),
    "prediction": re.compile(rf"{THINGS}(?:pred|predict|prediction|predictions){THINGS}"),
}


@functools.cache
def side_of(folder: str) -> Side | None:
    """Return the side that a folder's name names, in any case and among other words; None for none, or for several."""
    words = [word.lower() for word in WORDS.findall(folder)]
    named: list[Side] = [side for side, pattern in SIDES.items() if any(pattern.fullmatch(word) for word in words)]
    return named[0] if len(named) == 1 else None


@functools.cache
def side_of_path(folder: str) -> Side | None:
    """Return the side that the innermost folder of a path names, `data/Training/cats`, if any does."""
    sides = [side for part in PurePosixPath(folder).parts if (side := side_of(part))]
    return sides[-1] if sides else None
