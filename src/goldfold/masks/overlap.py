"""How masks and their truth overlap: the numbers that metrics of masks take."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from goldfold.masks.codes import MaskForm, mask_of_code, runs_of, shared_area
from goldfold.masks.levels import HEADER, unpacked

Array = np.ndarray[Any, np.dtype[Any]]

LEVELS = 256
REMEMBERED = 16_384
"""Masks whose counts are remembered, 2 kB each: a score, its interval and post-processing all ask for the same."""


def levels(truth: Array, prediction: Array, form: MaskForm) -> Array:
    """Return how many pixels outside and inside of the true mask have each level, (rows, classes, 2, 256) int32.

    `truth` are codes, `prediction` cells or codes, (rows, classes) both. Raises ValueError for a code that leaves its image.
    """
    counts = np.empty((*truth.shape, 2, LEVELS), np.int32)
    flat = counts.reshape(-1, 2, LEVELS)
    for place, (code, cell) in enumerate(zip(truth.ravel().tolist(), prediction.ravel().tolist(), strict=True)):
        flat[place] = _of_codes(code, cell, form) if isinstance(cell, str) else _of_cell(code, cell, form)
    return counts


def _of_cell(code: str, cell: bytes, form: MaskForm) -> Array:
    height, width, rows, columns, _, _ = HEADER.unpack_from(cell)
    # The threshold is no part of what is remembered.
    plain = HEADER.pack(height, width, rows, columns, 0, 0) + cell[HEADER.size :]
    return _remembered(code, plain, form)


@lru_cache(maxsize=REMEMBERED)
def _remembered(code: str, cell: bytes, form: MaskForm) -> Array:
    predicted = unpacked(cell)
    inside = mask_of_code(code, predicted.height, predicted.width, form)
    return np.bincount((inside.astype(np.int32) * LEVELS + predicted.enlarged()).ravel(), minlength=2 * LEVELS).reshape(2, LEVELS)


def _of_codes(code: str, answer: str, form: MaskForm) -> Array:
    true, given = runs_of(code, form), runs_of(answer, form)
    shared = shared_area(true, given)
    counts = np.zeros((2, LEVELS), np.int64)
    counts[:, -1] = int((given[:, 1] - given[:, 0]).sum()) - shared, shared
    counts[1, 0] = int((true[:, 1] - true[:, 0]).sum()) - shared
    return counts


def at_thresholds(counts: Array, threshold: Array | Sequence[int], least: Array | Sequence[int]) -> tuple[Array, Array]:
    """Return the true areas, (rows, classes), and the predicted and shared ones, (rows, classes, 2), of counts of levels.

    `threshold` and `least` are (classes,), or (rows, classes); see Cell.
    """
    above = counts[..., ::-1].cumsum(axis=-1, dtype=np.int64)[..., ::-1]
    threshold, least = (np.broadcast_to(np.asarray(values), counts.shape[:2]) for values in (threshold, least))
    outside, inside = np.moveaxis(np.take_along_axis(above, threshold[..., None, None], axis=-1)[..., 0], -1, 0)
    predicted = outside + inside
    kept = predicted >= least
    return above[..., 1, 0], np.stack([predicted * kept, inside * kept], axis=-1)


def overlaps(truth: Array, prediction: Array, form: MaskForm) -> tuple[Array, Array]:
    """Return the true areas, (rows, classes), and the predicted and shared ones, (rows, classes, 2), int64, in pixels.

    `truth` are codes, `prediction` cells or codes, (rows, classes) both. Raises ValueError for a code that leaves its image.
    """
    if not len(truth):
        return np.empty(truth.shape, np.int64), np.empty((*truth.shape, 2), np.int64)
    # A block of rows at a time, so that memory is bounded.
    blocks = [slice(start, start + 1000) for start in range(0, len(truth), 1000)]
    parts = [at_thresholds(levels(truth[rows], prediction[rows], form), *_cuts(prediction[rows])) for rows in blocks]
    true, predicted = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return true, predicted


def _cuts(prediction: Array) -> tuple[Array, Array]:
    """The threshold and the least area of each cell, (rows, classes); of a code 128 and 0."""
    pairs = [(128, 0) if isinstance(cell, str) else HEADER.unpack_from(cell)[4:] for cell in prediction.ravel()]
    cuts = np.array(pairs, np.int64).reshape(*prediction.shape, 2)
    return cuts[..., 0], cuts[..., 1]
