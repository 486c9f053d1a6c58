"""Every image decoded once: resized uint8 in one memory-mapped file, read without decoding."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pandas as pd

from goldfold.errors import InputError
from goldfold.files import read_json, read_parquet, write_json
from goldfold.metrics import Array
from goldfold.modalities.image.decoding import decode, shipped_size, shrink
from goldfold.modalities.image.kept_pixels import Decoded, decoding_key, keep, settings_of_decoding, share, take_kept
from goldfold.modalities.image.measuring import measure
from goldfold.modalities.image.rendering import Rendering
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.modalities.image.sketches import COLUMNS as SKETCH
from goldfold.modalities.image.sketches import sketch
from goldfold.modalities.threads import in_order
from goldfold.process import keep_freed_memory

PIXELS = "images.u8"
INDEX = "images.parquet"
CARD = "images.json"
LAYOUT = ("offset", "height", "width", "shipped_height", "shipped_width")
SKETCHES = "sketches.npy"
AHEAD = 8


class ImageCache:
    """Images of any shape, read-only: `cache[i]` is an (height, width, channels) uint8 array over the file's memory map.

    Four files: `images.u8`, the pixels of one image after another; `images.parquet`, for each image its offset, height and
    width there, its height and width as shipped, the size of its file in `bytes` and the file's hash (`file`; empty where it was
    left blank); `images.json`, `size` (of the shorter side), `channels`, `rendering` (of deep and transparent pixels) and
    `digest`, a hash of the files and of how they were decoded; `sketches.npy`, by which duplicates are found.
    """

    def __init__(
        self, folder: Path, index: pd.DataFrame, size: int, channels: int, digest: str, rendering: Mapping[str, Any]
    ) -> None:
        self.folder = folder
        self.index = index
        self.size = size
        self.channels = channels
        self.digest = digest
        self.rendering = Rendering.from_json(rendering)
        self._offsets = index["offset"].to_numpy()
        self._shapes = index[["height", "width"]].to_numpy()
        self._pixels: Array | None = None

    def share(self, scratch: Path) -> None:
        """Replace the copy of these pixels in `scratch` by a hard link, so that the disk holds them once."""
        share(scratch, self.folder / PIXELS, self.digest)

    @classmethod
    def load(cls, folder: Path) -> "ImageCache":
        """Open the cache in `folder`."""
        return cls(folder, read_parquet(folder / INDEX), **read_json(folder / CARD))

    @property
    def sketches(self) -> Array:
        """Return the sketch of each image, (n, 68) float32, as a memory map."""
        return np.asarray(np.load(self.folder / SKETCHES, mmap_mode="r"))

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, position: int) -> Array:
        if self._pixels is None:
            # Slicing a plain array costs a tenth of slicing a memmap.
            self._pixels = np.memmap(self.folder / PIXELS, dtype=np.uint8, mode="r").view(np.ndarray)
        height, width = self._shapes[position]
        offset = self._offsets[position]
        return self._pixels[offset : offset + height * width * self.channels].reshape(height, width, self.channels)

    def __getstate__(self) -> dict[str, Any]:
        # A memory map pickles as a copy of the whole file: loader processes open their own.
        return {**self.__dict__, "_pixels": None}


def write_image_cache(
    folder: Path,
    paths: Sequence[Path | str],
    config: ImagePrepareConfig,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda images, _: images,
    scratch: Path | None = None,
) -> tuple[ImageCache, str, list[str]]:
    """Decode each of `paths` once and write the cache, in the order of `paths`, to `folder`.

    Larger images are shrunk so that their shorter side is `size` pixels. `scratch`, a folder that outlives the stage, saves
    images from being decoded again. Returns the cache, a hash of it, and a message for each image that could not be decoded;
    raises InputError for those if `bad_images` is error.
    """
    unique = list(dict.fromkeys(paths))
    folder.mkdir(parents=True, exist_ok=True)
    # An earlier file may be a hard link to one in use elsewhere.
    (folder / PIXELS).unlink(missing_ok=True)
    kept = scratch / "images" / decoding_key(unique, config) if scratch else None
    decoded = take_kept(kept, folder / PIXELS) if kept else None
    if decoded is None:
        decoded = _decode(folder / PIXELS, unique, config, progress)
        if kept:
            keep(kept, folder / PIXELS, decoded)
    if decoded.bad and config.bad_images == "error":
        raise InputError(
            f"{len(decoded.bad)} of {len(unique)} images cannot be decoded",
            decoded.bad,
            "replace them, remove their rows, or set prepare.bad_images: blank to replace them by black images, or "
            "drop to leave these training rows out",
        )
    position = {path: number for number, path in enumerate(unique)}
    order = [position[path] for path in paths]
    index = decoded.index.iloc[order].reset_index(drop=True)
    index.to_parquet(folder / INDEX)
    np.save(folder / SKETCHES, decoded.sketches[order])
    card: dict[str, Any] = {
        "size": config.image_size,
        "channels": config.channels,
        "digest": decoded.digest,
        "rendering": decoded.rendering.to_json(),
    }
    write_json(folder / CARD, card)
    digest = hashlib.blake2b(decoded.digest.encode() + index[list(LAYOUT)].to_numpy().tobytes(), digest_size=16)
    return ImageCache(folder, index, **card), digest.hexdigest(), decoded.bad


def _decode(
    target: Path,
    paths: Sequence[Path | str],
    config: ImagePrepareConfig,
    progress: Callable[[Iterable[Any], int], Iterable[Any]],
) -> Decoded:
    """Write the pixels of `paths`, one after another, to `target`.

    Threads decode, as OpenCV releases the GIL. Results are appended in order, so memory is bounded and the file depends on the
    images alone.
    """
    size, channels = config.image_size, config.channels
    digest = hashlib.blake2b(settings_of_decoding(config), digest_size=16)
    rendering = measure(paths, channels)
    rows = np.empty((len(paths), 6), np.int64)
    hashes: list[str] = []
    sketches = np.empty((len(paths), len(SKETCH)), np.float32)
    bad: list[str] = []
    offset, workers = 0, config.workers or os.cpu_count() or 1
    keep_freed_memory()
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    with target.open("wb") as pixels:
        images = in_order(lambda path: _shrunk(path, size, channels, rendering), paths, workers, AHEAD)
        for position, (path, result) in enumerate(zip(paths, progress(images, len(paths)), strict=True)):
            if isinstance(result, str):
                bad.append(f"{path}: {result}")
                blank = np.zeros((size, size, channels), np.uint8)
                result = _Image(blank, (0, 0), 0, b"", sketch(blank))
            image, shipped = result.image, result.shipped
            pixels.write(image.data)
            digest.update(result.hashed)
            hashes.append(result.hashed.hex())
            sketches[position] = result.sketch
            rows[position] = offset, *image.shape[:2], *shipped, result.size
            offset += image.nbytes
    cv2.setNumThreads(threads)
    index = pd.DataFrame(rows, columns=[*LAYOUT, "bytes"]).assign(file=pd.Series(hashes, dtype="str"))
    return Decoded(index, sketches, digest.hexdigest(), bad, rendering)


class _Image(NamedTuple):
    """An image shrunk, its height and width as shipped, the size of its file in bytes, a hash of the file, and its sketch."""

    image: Array
    shipped: tuple[int, int]
    size: int
    hashed: bytes
    sketch: Array


def _shrunk(path: Path | str, size: int, channels: int, rendering: Rendering) -> _Image | str:
    """Return the image shrunk to `size`, or why it cannot be decoded."""
    try:
        data = Path(path).read_bytes()
        image = decode(data, channels, size, rendering)
        small, hashed = shrink(image, size), hashlib.blake2b(data, digest_size=16).digest()
        return _Image(small, shipped_size(data, image), len(data), hashed, sketch(small))
    except FileNotFoundError:
        return "there is no such file"
    except (OSError, ValueError) as error:
        return str(error)
