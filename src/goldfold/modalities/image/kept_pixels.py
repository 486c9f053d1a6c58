"""Decoded pixels, kept outside DVC's outputs: a change of the folds or the metric decodes no image again.

They are a hard link to the file in the prepared set, so they take no room of their own; where the file system has no
links, nothing is kept.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from goldfold.files import folder_written_whole, read_json, write_json, written_whole
from goldfold.identity import module_digest
from goldfold.metrics import Array
from goldfold.modalities.image import decoding, sketches
from goldfold.modalities.image.settings import ImagePrepareConfig

PIXELS, INDEX, SKETCHES, CARD = "pixels.u8", "index.parquet", "sketches.npy", "card.json"


@dataclass(frozen=True)
class Decoded:
    """What a file of pixels holds.

    `index` and `sketches` are those of an ImageCache, a row for each image; `digest` is a hash of the files and of how they
    were decoded; `bad` has a line for each image that could not be decoded.
    """

    index: pd.DataFrame
    sketches: Array
    digest: str
    bad: list[str]


def settings_of_decoding(config: ImagePrepareConfig) -> bytes:
    """What the pixels depend on beside the files: the settings, OpenCV's version and the code."""
    return f"{config.image_size} {config.channels} {cv2.__version__} {module_digest(decoding.__name__)} ".encode()


def decoding_key(paths: Sequence[Path | str], config: ImagePrepareConfig) -> str:
    """A hash of which files they are (path, size and time of change) and of how they are decoded."""
    digest = hashlib.blake2b(settings_of_decoding(config) + module_digest(sketches.__name__).encode(), digest_size=10)
    for path in paths:
        with contextlib.suppress(OSError):
            found = os.stat(path)
            digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def take_kept(kept: Path, target: Path) -> Decoded | None:
    """Put the pixels that were kept under a key in the place of `target`; nothing where there are none."""
    if not (kept / CARD).is_file():
        return None
    try:
        os.link(kept / PIXELS, target)
    except OSError:
        return None
    return Decoded(pd.read_parquet(kept / INDEX), np.load(kept / SKETCHES), **read_json(kept / CARD))


def keep(kept: Path, pixels: Path, decoded: Decoded) -> None:
    """Keep pixels under a key, in the place of those that are kept under any other."""
    try:
        with folder_written_whole(kept) as draft:
            os.link(pixels, draft / PIXELS)
            decoded.index.to_parquet(draft / INDEX)
            np.save(draft / SKETCHES, decoded.sketches)
            write_json(draft / CARD, {"digest": decoded.digest, "bad": decoded.bad})
    except OSError:
        return
    for other in kept.parent.iterdir():
        if other != kept:
            shutil.rmtree(other, ignore_errors=True)


def share(scratch: Path, pixels: Path, digest: str) -> None:
    """Link the pixels kept in `scratch` to `pixels`, of the same digest, which DVC has replaced by a copy of its own."""
    for kept in (scratch / "images").glob(f"*/{CARD}"):
        own = kept.with_name(PIXELS)
        if read_json(kept)["digest"] == digest and not own.samefile(pixels):
            with contextlib.suppress(OSError), written_whole(own) as draft:
                os.link(pixels, draft)
