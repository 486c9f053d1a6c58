"""Image files as arrays: what the cache holds, and what a single image must become to be predicted like it."""

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

from goldfold.metrics import Array

NPY = b"\x93NUMPY"
JPEG = b"\xff\xd8"
INTERPOLATIONS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
COLOR = {
    1: cv2.IMREAD_COLOR_RGB,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
GREY = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}


def decode(data: bytes, channels: int = 3, least: int | None = None) -> Array:
    """Decode an image file to (height, width, channels) uint8, upright by its EXIF orientation.

    With `least`, a JPEG is decoded at a half, a quarter or an eighth of its size, where its shorter side is still that long.

    3 channels are RGB and 1 is grey, whatever the file holds; any other number has to be the file's own (grey with alpha,
    RGBA, or a .npy array). Raises ValueError for what is no such image, or one that is cut short.
    """
    if not data:
        raise ValueError("the file is empty")
    if data[:2] == JPEG and b"\xff\xd9" not in data[-4096:]:
        raise ValueError("the JPEG is cut short")
    if data[: len(NPY)] == NPY:
        return _with_channels(_array(data), channels)
    if channels not in (1, 3):
        return _with_channels(_by_pillow(data, mode=None), channels)
    parts = _reduction(data, least) if least else 1
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), (COLOR if channels == 3 else GREY)[parts])
        if image is not None and channels == 3 and parts > 1:
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    except cv2.error as error:
        raise ValueError(f"OpenCV: {error}") from None
    if image is None:
        image = _by_pillow(data, mode="RGB" if channels == 3 else "L")
    return _with_channels(np.asarray(image), channels)


def shipped_size(data: bytes, image: Array) -> tuple[int, int]:
    """The height and width of an image file, upright, of which `image` was decoded."""
    size = _jpeg_size(data)
    if size is None:
        return image.shape[0], image.shape[1]
    width, height = size
    return (width, height) if (height > width) != (image.shape[0] > image.shape[1]) else (height, width)


def _reduction(data: bytes, least: int) -> int:
    """The largest of 8, 4, 2 that a JPEG's sides can be divided by and its shorter one stay at least `least`; else 1."""
    size = _jpeg_size(data)
    return next((parts for parts in (8, 4, 2) if size and min(size) // parts >= least), 1)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """The width and height in the header of a JPEG that Pillow can open."""
    if data[:2] != JPEG:
        return None
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return opened.size
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None


def interpolation(shorter: int, wanted: int) -> int:
    """How OpenCV is to shrink a side: bilinear leaves out no pixel down to half of it, and is several times as fast as area."""
    return cv2.INTER_LINEAR if 2 * wanted >= shorter else cv2.INTER_AREA


def shrink(image: Array, size: int) -> Array:
    """The image with its shorter side at most `size` pixels long; a smaller one is kept."""
    shorter = min(image.shape[:2])
    if shorter > size:
        height, width = scaled(image, size)
        image = resize(image, width, height, interpolation(shorter, size))
    return np.ascontiguousarray(image)


def scaled(image: Array, size: int) -> tuple[int, int]:
    """The height and width of an image whose shorter side is made `size` pixels long."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    return round(height * size / shorter), round(width * size / shorter)


def resize(image: Array, width: int, height: int, interpolation: int) -> Array:
    """OpenCV's resize for any number of channels, which it drops when there is one and refuses when there are many."""
    if image.shape[2] <= 4:
        return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation)).reshape(height, width, -1)
    parts = [cv2.resize(image[..., channel], (width, height), interpolation=interpolation) for channel in range(image.shape[2])]
    return np.stack(parts, axis=-1)


def _by_pillow(data: bytes, mode: str | None) -> Array:
    try:
        with Image.open(io.BytesIO(data)) as opened:
            upright = ImageOps.exif_transpose(opened)
            return np.asarray(upright.convert(mode) if mode else upright)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("it is no image that OpenCV or Pillow can read") from error


def _array(data: bytes) -> Array:
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (OSError, ValueError) as error:
        raise ValueError(f"the .npy array cannot be read: {error}") from None


def _with_channels(image: Array, channels: int) -> Array:
    image = image[..., np.newaxis] if image.ndim == 2 else image
    if image.dtype != np.uint8 or image.ndim != 3:
        raise ValueError(f"it is {image.ndim}-dimensional {image.dtype}, not (height, width, channels) of bytes")
    if image.shape[2] != channels:
        raise ValueError(f"it has {image.shape[2]} channels, but prepare.channels is {channels}")
    return image
