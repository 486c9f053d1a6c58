"""Decoded pixels, kept outside DVC's outputs, so that a change of folds or metric decodes no image again.

They are a hard link to the file in the prepared set and take no space; on a file system without links nothing is kept.
"""

import contextlib
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import PIL

from goldfold.files import read_json, read_parquet, remove, write_json, written_whole
from goldfold.identity import module_digest
from goldfold.metrics import Array
from goldfold.modalities.image import decoding, measuring, rendering, sketches
from goldfold.modalities.image.rendering import Rendering
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.scratch import is_kept, keeping, read_kept

PIXELS, INDEX, SKETCHES, CARD = "pixels.u8", "index.parquet", "sketches.npy", "card.json"


@dataclass(frozen=True)
class Decoded:
    """The contents of a file of pixels.

    `index` and `sketches` are those of an ImageCache, a row for each image; `digest` is a hash of the files and of how they
    were decoded; `bad` has a message for each image that could not be decoded; `rendering` is how deep and transparent pixels
    became bytes.
    """

    index: pd.DataFrame
    sketches: Array
    digest: str
    bad: list[str]
    rendering: Rendering


def settings_of_decoding(config: ImagePrepareConfig) -> bytes:
    """Return what the pixels depend on beside the files: settings, versions of the decoders, and code."""
    code = module_digest(decoding.__name__, measuring.__name__, rendering.__name__)
    return f"{config.image_size} {config.channels} {cv2.__version__} {PIL.__version__} {code} ".encode()


def decoding_key(paths: Sequence[Path | str], config: ImagePrepareConfig) -> str:
    """Return a hash of the files' paths, sizes and dates and of how they are decoded."""
    digest = hashlib.blake2b(settings_of_decoding(config) + module_digest(sketches.__name__).encode(), digest_size=10)
    for path in paths:
        with contextlib.suppress(OSError):
            status = os.stat(path)
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def take_kept(kept: Path, target: Path) -> Decoded | None:
    """Link the kept pixels to `target` and return what they hold; None where there are none."""
    if not is_kept(kept):
        return None
    try:
        os.link(kept / PIXELS, target)
    except OSError:
        return None
    card = read_json(kept / CARD)
    how = Rendering.from_json(card.pop("rendering"))
    return Decoded(read_parquet(kept / INDEX), np.load(kept / SKETCHES), **card, rendering=how)


def keep(kept: Path, pixels: Path, decoded: Decoded) -> None:
    """Keep pixels in the folder of their key, and remove the folders of other keys."""
    try:
        with keeping(kept) as draft:
            os.link(pixels, draft / PIXELS)
            decoded.index.to_parquet(draft / INDEX)
            np.save(draft / SKETCHES, decoded.sketches)
            card = {"digest": decoded.digest, "bad": decoded.bad, "rendering": decoded.rendering.to_json()}
            write_json(draft / CARD, card)
    except OSError:
        return
    for other in kept.parent.iterdir():
        if other != kept:
            remove(other)


def share(scratch: Path, pixels: Path, digest: str) -> None:
    """Replace the pixels in `scratch` of this digest by a link to `pixels`, which DVC has made a copy of its own."""
    for kept in (scratch / "images").glob(f"*/{CARD}"):
        own = kept.with_name(PIXELS)
        card = read_kept(kept)
        if card and card["digest"] == digest and own.is_file() and not own.samefile(pixels):
            with contextlib.suppress(OSError), written_whole(own) as draft:
                draft.unlink()
                os.link(pixels, draft)
