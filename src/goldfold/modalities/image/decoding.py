"""Image files decoded to arrays, the same way for the cache and for images from outside."""

import io
import math
import warnings

import cv2
import numpy as np
from PIL import Image, ImageOps

from goldfold.metrics import Array
from goldfold.modalities.image.rendering import PLAIN, Rendering, as_bytes, over_background

MOST_PIXELS = 2**29
"""Pixels of an image: more would fill the memory, as the small files do that unpack to them."""
Image.MAX_IMAGE_PIXELS = MOST_PIXELS // 2
# Pillow warns of half as many, and refuses more.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
NPY = b"\x93NUMPY"
JPEG = b"\xff\xd8"
PNG = b"\x89PNG\r\n\x1a\n"
PNG_WITH_ALPHA = (4, 6)
DEEP_MODES = ("I", "F")
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


def decode(data: bytes, channels: int = 3, least: int | None = None, rendering: Rendering = PLAIN) -> Array:
    """Decode an image file to (height, width, channels) uint8, upright by its EXIF orientation.

    With `least`, a JPEG is decoded at 1/2, 1/4 or 1/8 of its size, as long as its shorter side keeps that many pixels.

    3 channels are RGB and 1 is grey, whatever the file holds; any other number has to be the file's own (grey with alpha,
    RGBA, or a .npy array). `rendering` says how deeper and transparent pixels become bytes. Raises ValueError for a file that
    is not such an image, or is cut short.
    """
    pixels, alpha = stored(data, channels, least)
    pixels = as_bytes(pixels, rendering)
    if alpha is not None:
        pixels = over_background(pixels, alpha, rendering.background)
    return _with_channels(pixels, channels)


def stored(data: bytes, channels: int = 3, least: int | None = None) -> tuple[Array, Array | None]:
    """Return an image's pixels, (height, width) or (height, width, n) of any type, and its alpha if it is transparent.

    The alpha is (height, width) uint8, and the pixels are RGB then. Arguments and errors are those of `decode`.
    """
    if not data:
        raise ValueError("the file is empty")
    _require_bounded(data)
    if data[:2] == JPEG and not _has_end(data):
        raise ValueError("the JPEG is cut short")
    if data[: len(NPY)] == NPY:
        return _array(data), None
    if channels not in (1, 3):
        return _by_pillow(data, mode=None), None
    if data[:2] != JPEG:
        transparent = _is_transparent(data)
        deep = _deep(data, transparent)
        if deep is not None:
            return deep
        if transparent:
            rgba = _by_pillow(data, mode="RGBA")
            return rgba[..., :3], rgba[..., 3]
    parts = _reduction(data, least) if least else 1
    image = _by_opencv(data, (COLOR if channels == 3 else GREY)[parts])
    if image is None:
        return _by_pillow(data, mode="RGB" if channels == 3 else "L"), None
    if channels == 3 and parts > 1:
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return np.asarray(image), None


def is_plain(head: bytes) -> bool:
    """Return whether a file that starts with `head` can only hold 8-bit pixels without transparency."""
    if head[: len(PNG)] == PNG:
        return len(head) > 25 and head[24] <= 8 and head[25] not in PNG_WITH_ALPHA and b"tRNS" not in head
    return head[:2] in (JPEG, b"BM") or not head


def _require_bounded(data: bytes) -> None:
    """Raise ValueError for an image with more than MOST_PIXELS by its header, which is read alone."""
    try:
        Image.open(io.BytesIO(data)).close()
    except Image.DecompressionBombError:
        raise ValueError(f"it has more than {MOST_PIXELS // 10**6} million pixels") from None
    except Exception:  # Pillow raises errors of many kinds for what it does not know, and OpenCV may
        return


def _has_end(data: bytes) -> bool:
    """Return whether a JPEG has its end marker after its pixels; a thumbnail in its header has one before them."""
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] not in (b"\xda", b""):
        at += 2 + int.from_bytes(data[at + 2 : at + 4]) if data[at + 1 : at + 2] != b"\xff" else 1
    return data.find(b"\xff\xd9", at) >= 0


def _is_transparent(data: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return bool(opened.has_transparency_data)
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return False


def _deep(data: bytes, transparent: bool) -> tuple[Array, Array | None] | None:
    """Return the pixels and alpha of an image of more than 8 bits; None for any other."""
    if data[: len(PNG)] == PNG and data[24:25] <= b"\x08":
        return None
    image = _by_opencv(data, cv2.IMREAD_UNCHANGED if transparent else cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype == np.uint8:
        return None
    if image.ndim == 2:
        return image, None
    if image.shape[2] < 4:
        return image[..., ::-1], None
    return image[..., 2::-1], as_bytes(image[..., 3], PLAIN)


def _by_opencv(data: bytes, flag: int) -> Array | None:
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    except cv2.error as error:
        raise ValueError(f"OpenCV: {error}") from None


def shipped_size(data: bytes, image: Array) -> tuple[int, int]:
    """Return the height and width, upright, of the file that `image` was decoded from."""
    size = _jpeg_size(data)
    if size is None:
        return image.shape[0], image.shape[1]
    width, height = size
    return (width, height) if (height > width) != (image.shape[0] > image.shape[1]) else (height, width)


def _reduction(data: bytes, least: int) -> int:
    """Return the largest of 8, 4 and 2 by which the sides of a JPEG can be divided, the shorter one at least `least`; else 1."""
    size = _jpeg_size(data)
    return next((parts for parts in (8, 4, 2) if size and min(size) // parts >= least), 1)


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height in the header of a JPEG; None for any other file."""
    if data[:2] != JPEG:
        return None
    try:
        with Image.open(io.BytesIO(data)) as opened:
            return opened.size
    except (OSError, SyntaxError, Image.DecompressionBombError):
        return None


def interpolation(shorter: int, wanted: int) -> int:
    """Return OpenCV's flag for shrinking: bilinear, several times as fast as area, skips no pixel down to half the side."""
    return cv2.INTER_LINEAR if 2 * wanted >= shorter else cv2.INTER_AREA


def shrink(image: Array, size: int) -> Array:
    """Return the image, shrunk where its shorter side is longer than `size` pixels."""
    shorter = min(image.shape[:2])
    if shorter > size:
        height, width = scaled(image, size)
        image = resize(image, width, height, interpolation(shorter, size))
    return np.ascontiguousarray(image)


def scaled(image: Array, size: int) -> tuple[int, int]:
    """Return the height and width of the image once its shorter side is `size` pixels long."""
    height, width = image.shape[:2]
    shorter = min(height, width)
    return round(height * size / shorter), round(width * size / shorter)


def resize(image: Array, width: int, height: int, interpolation: int) -> Array:
    """Resize by OpenCV, which drops a single channel and refuses many, for any number of channels."""
    if image.shape[2] <= 4:
        return np.asarray(cv2.resize(image, (width, height), interpolation=interpolation)).reshape(height, width, -1)
    parts = [cv2.resize(image[..., channel], (width, height), interpolation=interpolation) for channel in range(image.shape[2])]
    return np.stack(parts, axis=-1)


def _by_pillow(data: bytes, mode: str | None) -> Array:
    try:
        with Image.open(io.BytesIO(data)) as opened:
            upright = ImageOps.exif_transpose(opened)
            keeps = mode is None or upright.mode.startswith(DEEP_MODES)
            return np.asarray(upright if keeps else upright.convert(mode))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("neither OpenCV nor Pillow can read it as an image") from error


def _array(data: bytes) -> Array:
    try:
        file = io.BytesIO(data)
        header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, _, kind = header[np.lib.format.read_magic(file)](file)
        if math.prod(shape) * kind.itemsize > len(data):
            raise ValueError(f"it is cut short, or no array of shape {shape}")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except (OSError, ValueError, KeyError, SyntaxError) as error:
        raise ValueError(f"the .npy array cannot be read: {error}") from None


def _with_channels(image: Array, channels: int) -> Array:
    image = image[..., np.newaxis] if image.ndim == 2 else image
    if image.ndim != 3:
        raise ValueError(f"it has {image.ndim} dimensions, not (height, width, channels)")
    if (image.shape[2], channels) == (1, 3):
        image = np.repeat(image, 3, axis=2)
    elif (image.shape[2], channels) == (3, 1):
        image = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    if image.shape[2] != channels:
        raise ValueError(f"it has {image.shape[2]} channels, but prepare.channels is {channels}")
    return np.ascontiguousarray(image)
