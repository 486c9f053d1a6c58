"""Cells: the probabilities of an image's pixels, as levels of 0 to 255 at the network's size, compressed."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]

HEADER = struct.Struct("<IIHHBI")
HALF = 128
"""The level from which on a pixel is more probably one of the mask."""


class Cell(NamedTuple):
    """A cell unpacked: the levels, (rows, columns) uint8; the size of the image that they are of; the level from which on a pixel
    belongs to the mask; and the area below which there is no mask, in pixels of the image."""

    levels: Array
    height: int
    width: int
    threshold: int = HALF
    least: int = 0

    def enlarged(self) -> Array:
        """Return the levels at the image's size, (height, width) uint8."""
        if self.levels.shape == (self.height, self.width):
            return self.levels
        return np.asarray(cv2.resize(self.levels, (self.width, self.height), interpolation=cv2.INTER_LINEAR))

    def mask(self) -> Array:
        """Return the mask, (height, width) uint8 of 0 and 1."""
        mask = (self.enlarged() >= self.threshold).astype(np.uint8)
        return mask if mask.sum() >= self.least else np.zeros_like(mask)


def packed(cell: Cell) -> bytes:
    """Return a cell as bytes."""
    header = HEADER.pack(cell.height, cell.width, *cell.levels.shape, cell.threshold, cell.least)
    return header + zlib.compress(np.ascontiguousarray(cell.levels).tobytes(), 1)


def unpacked(cell: bytes) -> Cell:
    """Return a cell that was packed."""
    height, width, rows, columns, threshold, least = HEADER.unpack_from(cell)
    levels = np.frombuffer(zlib.decompress(cell[HEADER.size :]), np.uint8).reshape(rows, columns)
    return Cell(levels, height, width, threshold, least)


def cut(cell: bytes | str, threshold: int, least: int) -> bytes | str:
    """Return a cell with another threshold and least area; a code stays what it is."""
    if isinstance(cell, str):
        return cell
    height, width, rows, columns, _, _ = HEADER.unpack_from(cell)
    return HEADER.pack(height, width, rows, columns, threshold, least) + cell[HEADER.size :]


def averaged(cells: Sequence[bytes]) -> bytes:
    """Return the mean of several cells of one image, with the threshold of the first; raises ValueError for several sizes."""
    first = unpacked(cells[0])
    total = first.levels.astype(np.uint32)
    for other in cells[1:]:
        total += unpacked(other).levels
    return packed(first._replace(levels=((total + len(cells) // 2) // len(cells)).astype(np.uint8)))
