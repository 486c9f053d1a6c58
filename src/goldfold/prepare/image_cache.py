"""Every image decoded once: resized uint8 RGB in one memory-mapped file, read without decoding."""

import hashlib
import io
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from goldfold.errors import InputError
from goldfold.metrics import Array

PIXELS = "images.u8"
INDEX = "images.parquet"
AHEAD = 8


class ImageCache:
    """Images of any shape, read-only: `cache[i]` is an (height, width, 3) uint8 RGB array over the file's memory map.

    Two files: `images.u8`, the pixels of one image after another, and `images.parquet`, for each image its offset,
    height and width there, and its height and width as shipped.
    """

    def __init__(self, folder: Path, index: pd.DataFrame) -> None:
        self.folder = folder
        self.index = index
        self._offsets = index["offset"].to_numpy()
        self._shapes = index[["height", "width"]].to_numpy()
        self._pixels: Array | None = None

    @classmethod
    def load(cls, folder: Path) -> "ImageCache":
        """Open the cache in `folder`."""
        return cls(folder, pd.read_parquet(folder / INDEX))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, position: int) -> Array:
        if self._pixels is None:
            self._pixels = np.memmap(self.folder / PIXELS, dtype=np.uint8, mode="r")
        height, width = self._shapes[position]
        offset = self._offsets[position]
        return self._pixels[offset : offset + height * width * 3].reshape(height, width, 3)

    def __getstate__(self) -> dict[str, Any]:
        # A memory map pickles as a copy of the whole file: loader processes open their own.
        return {**self.__dict__, "_pixels": None}


def write_image_cache(
    folder: Path,
    paths: Sequence[Path],
    size: int,
    bad_images: Literal["error", "blank"],
    workers: int | None = None,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda images, _: images,
) -> tuple[ImageCache, str, list[str]]:
    """Decode `paths` once each and write the cache of them to `folder`, position for position.

    Larger images are shrunk so that their shorter side is `size` pixels. Threads decode (OpenCV releases the GIL) and
    the results are appended in order, so memory is bounded and the same images give the same file. Returns the cache,
    a hash of it, and a line for each image that could not be decoded; raises InputError for those if `bad_images` is
    error.
    """
    unique = list(dict.fromkeys(paths))
    digest = hashlib.blake2b(digest_size=16)
    rows: list[tuple[int, int, int, int, int]] = []
    bad: list[str] = []
    offset = 0
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PIXELS).open("wb") as pixels:
        decoded = _in_order(lambda path: _shrunk(path, size), unique, workers or os.cpu_count() or 1)
        for path, result in zip(unique, progress(decoded, len(unique)), strict=True):
            if isinstance(result, str):
                bad.append(f"{path}: {result}")
                result = np.zeros((size, size, 3), np.uint8), (0, 0)
            image, shipped = result
            data = image.tobytes()
            pixels.write(data)
            digest.update(data)
            rows.append((offset, *image.shape[:2], *shipped))
            offset += len(data)
    if bad and bad_images == "error":
        raise InputError(
            f"{len(bad)} of {len(unique)} images cannot be decoded",
            bad,
            "replace them, remove their rows, or set prepare.bad_images: blank to go on with a black image in their place",
        )
    columns = ["offset", "height", "width", "shipped_height", "shipped_width"]
    position = {path: number for number, path in enumerate(unique)}
    index = pd.DataFrame(rows, columns=columns).iloc[[position[path] for path in paths]].reset_index(drop=True)
    index.to_parquet(folder / INDEX)
    digest.update(index.to_numpy().tobytes())
    return ImageCache(folder, index), digest.hexdigest(), bad


def _shrunk(path: Path, size: int) -> tuple[Array, tuple[int, int]] | str:
    """The image as shipped shrunk to `size`, with its shipped height and width; or why it cannot be decoded."""
    try:
        image = decode(path.read_bytes())
    except (OSError, ValueError) as error:
        return str(error)
    height, width = image.shape[:2]
    shorter = min(height, width)
    if shorter > size:
        scaled = (max(1, round(width * size / shorter)), max(1, round(height * size / shorter)))
        image = cv2.resize(image, scaled, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image), (height, width)


def decode(data: bytes) -> Array:
    """Decode an image file to (height, width, 3) uint8 RGB, upright by its EXIF orientation.

    Raises ValueError for what is no image, or one that is cut short.
    """
    if not data:
        raise ValueError("the file is empty")
    if data[:2] == b"\xff\xd8" and b"\xff\xd9" not in data[-4096:]:
        raise ValueError("the JPEG is cut short")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise ValueError(f"OpenCV: {error}") from None
    if image is None:
        try:
            with Image.open(io.BytesIO(data)) as opened:
                image = np.asarray(opened.convert("RGB"))
        except (OSError, SyntaxError, Image.DecompressionBombError) as error:
            raise ValueError("it is no image that OpenCV or Pillow can read") from error
    return np.asarray(image)


def _in_order(function: Callable[[Path], Any], paths: Sequence[Path], workers: int) -> Iterator[Any]:
    """Map over threads, results in order, never more than a few per worker ahead of their use."""
    with ThreadPoolExecutor(workers) as pool:
        pending: deque[Future[Any]] = deque()
        for path in paths:
            pending.append(pool.submit(function, path))
            if len(pending) >= workers * AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
