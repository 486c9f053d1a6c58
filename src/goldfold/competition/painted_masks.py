"""Mask files as runs of pixels of one value: a number, or a colour."""

import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from goldfold.masks.codes import Order

Array = np.ndarray[Any, np.dtype[Any]]
REMEMBERED = 16_384
"""Files whose runs are remembered: init, the check and prepare read the same."""
UPRIGHT = range(5, 9)
"""The EXIF orientations by which an image's width is its height."""
ORIENTATION = 0x0112
JPEG = b"\xff\xd8"
GREY = 0x010101
"""By how much a level of grey is multiplied to be a colour."""


@dataclass(frozen=True)
class Painted:
    """A mask file: its size, and the first pixel, the length and the value of each run, int64, in the order of pixels.

    Values are whole numbers, of colours 0xRRGGBB; those of a file with a `palette` are its indices, and `palette` their colours.
    `is_lossy` says that the file's compression changes pixels.
    """

    height: int
    width: int
    starts: Array
    lengths: Array
    values: Array
    is_colour: bool = False
    palette: tuple[int, ...] = ()
    is_lossy: bool = False

    def in_colours(self) -> "Painted":
        """Return it with colours for values."""
        if self.is_colour:
            return self
        colours = np.array(self.palette, np.int64)[self.values] if self.palette else self.values * GREY
        return replace(self, values=colours, is_colour=True, palette=())

    def in_grey(self) -> "Painted":
        """Return colours that are all levels of grey as these levels."""
        return replace(self, values=self.values % 256, is_colour=False, palette=())

    @property
    def is_grey(self) -> bool:
        """Whether all its colours are levels of grey."""
        return bool((self.values == (self.values % 256) * GREY).all())


def painted(path: Path, order: Order) -> Painted:
    """Return the runs of a mask file; raises ValueError for one that cannot be read, or whose pixels are no whole numbers."""
    told = os.stat(path)
    return _painted(path, order, told.st_size, told.st_mtime_ns)


def all_alike(files: Sequence[Painted]) -> list[Painted]:
    """Return masks with values that mean the same in all: numbers where all have them, or one palette, else colours."""
    first = max((one.palette for one in files), key=len, default=())
    if first and all(one.palette and first[: len(one.palette)] == one.palette for one in files):
        return list(files)
    if not any(one.is_colour or one.palette for one in files):
        return list(files)
    coloured = [one.in_colours() for one in files]
    return [one.in_grey() for one in coloured] if all(one.is_grey for one in coloured) else coloured


def size_of(path: Path) -> tuple[int, int] | None:
    """Return the height and width of an image, upright, from its header; None where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        if path.suffix.lower() == ".npy":
            height, width = np.load(path, mmap_mode="r").shape[:2]
            return int(height), int(width)
        with Image.open(path) as image:
            width, height = image.size
            return (width, height) if image.getexif().get(ORIENTATION) in UPRIGHT else (height, width)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return None


@functools.lru_cache(maxsize=REMEMBERED)
def _painted(path: Path, order: Order, size: int, changed: int) -> Painted:
    pixels, palette, is_lossy = _read(path)
    is_colour = pixels.ndim == 3 and pixels.shape[2] > 2
    if pixels.ndim == 3:
        pixels = _joined(pixels)
    if pixels.ndim != 2:
        raise ValueError(f"it is no image, but an array of {pixels.ndim} dimensions")
    if pixels.dtype.kind == "f" and not (pixels == np.rint(pixels)).all():
        raise ValueError("its pixels are fractions, no numbers of classes")
    values = (pixels.T if order == "columns" else pixels).reshape(-1).astype(np.int64)
    starts = np.concatenate([[0], np.flatnonzero(values[1:] != values[:-1]) + 1]) if len(values) else np.empty(0, np.int64)
    lengths = np.diff(np.append(starts, len(values)))
    height, width = pixels.shape
    return Painted(height, width, starts, lengths, values[starts], is_colour, palette, is_lossy)


def _joined(pixels: Array) -> Array:
    """The colours of pixels, (height, width) uint32 of 0xRRGGBB, or their levels where there is one channel; what is transparent
    is black."""
    if pixels.shape[2] in (2, 4):
        pixels = np.where(pixels[..., -1:] > 0, pixels[..., :-1], 0)
    if pixels.shape[2] == 1:
        return np.asarray(pixels[..., 0])
    if pixels.shape[2] != 3 or pixels.dtype != np.uint8:
        raise ValueError(f"it has {pixels.shape[2]} channels of {pixels.dtype}, neither numbers of classes nor colours")
    red, green, blue = (pixels[..., channel].astype(np.uint32) for channel in range(3))
    return np.asarray((red << np.uint32(16)) | (green << np.uint32(8)) | blue)


def _read(path: Path) -> tuple[Array, tuple[int, ...], bool]:
    """The pixels of a file, the colours of its palette if it has one, and whether it is lossy."""
    from PIL import Image, UnidentifiedImageError

    try:
        if path.suffix.lower() == ".npy":
            return np.load(path, allow_pickle=False), (), False
        with Image.open(path) as image:
            is_lossy = image.format in ("JPEG", "MPO")
            if image.mode == "P":
                flat = np.array(image.convert("P").getpalette("RGB"), np.int64).reshape(-1, 3)
                colours = tuple(((flat[:, 0] << 16) | (flat[:, 1] << 8) | flat[:, 2]).tolist())
                indices = np.asarray(image)
                return indices, colours + (0,) * (int(indices.max(initial=0)) + 1 - len(colours)), False
            by_colour = image.mode in ("CMYK", "YCbCr", "LAB", "HSV", "PA", "La", "RGBa")
            return np.asarray(image.convert("RGB") if by_colour else image), (), is_lossy
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"it cannot be read as a mask: {error}") from None
