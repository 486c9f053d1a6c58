"""Run-length codes: the pixels of a mask as starts and lengths of runs, `1 3 10 5`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Order = Literal["columns", "rows"]
Start = Literal[0, 1]
Runs = Array
"""The first pixel of each run, from 0, and the one after its last, (runs, 2) int64: apart, in order."""

EMPTY = ("", "-1", "-", "nan", "NaN", "-1 -1", "-1 0")
"""The codes that competitions write for a mask without a pixel."""
PAIRS = re.compile(r"\d+ \d+(?: \d+ \d+)*")
BEYOND = 2**40
"""More pixels than any image has."""


@dataclass(frozen=True)
class MaskForm:
    """How a competition writes masks: pixels counted down the `columns` or along the `rows`, from `start`; what an answer without
    a pixel is; and whether an answer has a row per image, or one per connected part (`instance`)."""

    order: Order = "columns"
    start: Start = 1
    empty: str = ""
    per: Literal["image", "instance"] = "image"


def is_code(text: str) -> bool:
    """Whether a text is a run-length code, or stands for an empty mask."""
    text = _spaced(text)
    return text in EMPTY or PAIRS.fullmatch(text) is not None


def _spaced(code: str) -> str:
    """A code with one space between its numbers, and none around them."""
    return " ".join(code.split())


def runs_of(code: str, form: MaskForm) -> Runs:
    """Return the runs of a code, those that touch or overlap as one; raises ValueError for what is no code."""
    code = _spaced(code)
    if code in EMPTY or code == form.empty:
        return np.empty((0, 2), np.int64)
    if not PAIRS.fullmatch(code):
        raise ValueError("it is not pairs of a start and a length")
    numbers = list(map(int, code.split(" ")))
    if max(numbers) > BEYOND:
        raise ValueError(f"{max(numbers)} is beyond any image")
    pairs = np.array(numbers, np.int64).reshape(-1, 2)
    if (pairs[:, 0] < form.start).any() or (pairs[:, 1] < 1).any():
        raise ValueError(f"a run starts before pixel {form.start}, or has no pixel")
    begins = pairs[:, 0] - form.start
    return merged(np.stack([begins, begins + pairs[:, 1]], axis=1))


def merged(runs: Runs) -> Runs:
    """Return runs in order, those that touch or overlap as one."""
    if len(runs) < 2:
        return runs
    runs = runs[np.argsort(runs[:, 0], kind="stable")]
    ends = np.maximum.accumulate(runs[:, 1])
    first = np.concatenate([[True], runs[1:, 0] > ends[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.stack([runs[first, 0], ends[last]], axis=1)


def joined(codes: Iterable[str], form: MaskForm) -> str:
    """Return the code of all pixels of several masks of one image; an empty text without any.

    >>> joined(["5 2", "1 3", "7 1"], MaskForm())
    '1 3 5 3'
    """
    parts = [runs_of(code, form) for code in codes]
    return written(merged(np.concatenate([*parts, np.empty((0, 2), np.int64)])), form)


def written(runs: Runs, form: MaskForm) -> str:
    """Return the code of runs; an empty text without any."""
    pairs = np.stack([runs[:, 0] + form.start, runs[:, 1] - runs[:, 0]], axis=1)
    return " ".join(map(str, pairs.ravel().tolist()))


def area_of(code: str, form: MaskForm) -> int:
    """Return the number of a mask's pixels."""
    runs = runs_of(code, form)
    return int((runs[:, 1] - runs[:, 0]).sum())


def areas(codes: Array, form: MaskForm) -> Array:
    """Return the number of pixels of each mask, int64, in the shape of `codes`."""
    return np.array([area_of(code, form) for code in codes.ravel()], np.int64).reshape(codes.shape)


def shared_area(first: Runs, second: Runs) -> int:
    """Return the number of pixels that two masks share."""
    if not len(first) or not len(second):
        return 0
    before = np.concatenate([[0], np.cumsum(first[:, 1] - first[:, 0])])

    def covered(place: Array) -> Array:
        """The pixels of `first` before each place."""
        run = np.maximum(np.searchsorted(first[:, 0], place, side="right") - 1, 0)
        inside = np.clip(place - first[run, 0], 0, first[run, 1] - first[run, 0])
        return np.asarray(before[run] + inside)

    return int((covered(second[:, 1]) - covered(second[:, 0])).sum())


def mask_of_code(code: str, height: int, width: int, form: MaskForm) -> Array:
    """Return the mask of a code, (height, width) uint8 of 0 and 1; raises ValueError for a code that leaves the image."""
    runs = runs_of(code, form)
    if len(runs) and runs[-1, 1] > height * width:
        raise ValueError(f"its last pixel is {runs[-1, 1]}, of an image of {height} x {width} pixels")
    change = np.zeros(height * width + 1, np.int8)
    change[runs[:, 0]] = 1
    change[runs[:, 1]] = -1
    flat = np.cumsum(change[:-1], dtype=np.int8).view(np.uint8)
    return np.ascontiguousarray(flat.reshape(width, height).T) if form.order == "columns" else flat.reshape(height, width)


def code_of(mask: Array, form: MaskForm) -> str:
    """Return the code of a mask, (height, width) of 0 and 1; an empty text without a pixel."""
    flat = (mask.T if form.order == "columns" else mask).reshape(-1).astype(bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flat, [False]]).astype(np.int8)))
    return written(edges.reshape(-1, 2).astype(np.int64), form)


def connected_parts(mask: Array) -> list[Array]:
    """Return the connected parts of a mask, (height, width) of 0 and 1, each a mask of its own."""
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    return [(labels == part).astype(np.uint8) for part in range(1, count)]
