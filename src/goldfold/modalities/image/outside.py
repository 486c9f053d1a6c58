"""Images from outside the competition, and how a program without goldfold turns them into the model's input."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import PIL

from goldfold.competition import Competition
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.image.decoding import decode, shipped_size, shrink
from goldfold.modalities.image.files import FILES
from goldfold.modalities.image.learning import ImageView, plain_images
from goldfold.modalities.image.rendering import WHITE, Rendering
from goldfold.modalities.outside_files import rows_of_files, test_rows_with_files


def read_files(paths: Sequence[Path], header: bool = True) -> pd.DataFrame:
    """Return files, and the images in folders, in the column `image`; raises InputError where there are none."""
    return rows_of_files(paths, FILES)


def test_rows(competition: Competition) -> pd.DataFrame:
    """Return the test table, with the path of each row's image in the column `image`."""
    return test_rows_with_files(competition, FILES)


def outside_view(table: pd.DataFrame, spec: Mapping[str, Any], change: Component | None, unreadable: dict[int, str]) -> ImageView:
    """Return the images of the column `image`, paths or contents of files (bytes or base64), as the plain view shows them.

    An image that cannot be decoded is black, and `unreadable` gets the reason.
    """
    return plain_images(images_of(table, spec, unreadable), spec, change)


def images_of(table: pd.DataFrame, spec: Mapping[str, Any], unreadable: dict[int, str]) -> "OutsideImages":
    """Return the images of the column `image`; raises InputError without one."""
    if "image" not in table:
        raise InputError("there is no column image, with the path of each row's image", mend="add it")
    return OutsideImages(list(table["image"]), spec, unreadable)


class OutsideImages:
    """Images from files or their contents, decoded and shrunk as in the cache, on access; `sizes` has the height and width of
    those that were read, as shipped."""

    def __init__(self, contents: Sequence[Path | str | bytes], spec: Mapping[str, Any], unreadable: dict[int, str]) -> None:
        self.contents, self.unreadable = contents, unreadable
        self.channels, self.size = spec["channels"], spec["cache_size"]
        self.rendering = Rendering.from_json(spec["rendering"])
        self.sizes: dict[int, tuple[int, int]] = {}

    def __getitem__(self, position: int) -> Array:
        content = self.contents[position]
        try:
            if isinstance(content, Path):
                data = content.read_bytes()
            else:
                data = base64.b64decode(content) if isinstance(content, str) else bytes(content)
            image = decode(data, self.channels, self.size, self.rendering)
            self.sizes[position] = shipped_size(data, image)
            return shrink(image, self.size)
        except (OSError, ValueError, TypeError) as error:
            self.unreadable[position] = str(error)
            self.sizes[position] = self.size, self.size
            return np.zeros((self.size, self.size, self.channels), np.uint8)


def outside_columns(_: Mapping[str, Any]) -> dict[str, str]:
    """Return the column of the images' bytes."""
    return {"image": "binary"}


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a file becomes the model's input, to the last bit with these versions of OpenCV and Pillow."""
    size, channels, cached, crop = spec["size"], spec["channels"], spec["cache_size"], spec["crop"]
    goal = int(size / crop) if crop else size
    enlarging = {"nearest": "NEAREST", "bilinear": "LINEAR", "bicubic": "CUBIC"}[spec["interpolation"]]
    scaled = "height and width become round(side * {0} / shorter side), halves to even"
    return {
        "input": {"name": "image", "shape": ["batch", size, size, channels], "dtype": "uint8"},
        "steps": [
            *_decoding(channels, cached, Rendering.from_json(spec["rendering"])),
            f"shrink where the shorter side is above {cached}: {scaled.format(cached)}; by cv2.resize with INTER_LINEAR where "
            f"the shorter side is at most {2 * cached}, else INTER_AREA",
            f"resize: {scaled.format(goal) if crop else f'height and width become {size}'}; by cv2.resize with INTER_{enlarging} "
            f"where the shorter side is at most {goal}, else INTER_LINEAR where it is at most {2 * goal}, else INTER_AREA; "
            "not at all where both sides stay",
            *([f"cut out {size} x {size}, from row (height - {size}) // 2 and column (width - {size}) // 2 on"] if crop else []),
        ],
        "versions": {"opencv": cv2.__version__, "pillow": PIL.__version__},
        "normalisation": {"inside the model": True, "mean": spec["mean"], "std": spec["std"]},
    }


def _decoding(channels: int, cached: int, rendering: Rendering) -> list[str]:
    """Return how the bytes of a file become pixels, (height, width, channels), as by `decode`."""
    if channels not in (1, 3):
        own = f"decode by Pillow and ImageOps.exif_transpose to the file's own {channels} channels; .npy by numpy.load"
        return [own, _scaling(rendering)]
    flag, order = ("COLOR", ", channels in the order RGB") if channels == 3 else ("GRAYSCALE", "")
    background = WHITE if rendering.background is None else rendering.background
    grey = "grey is repeated" if channels == 3 else "RGB becomes grey by cv2.cvtColor with COLOR_RGB2GRAY"
    return [
        f"decode by cv2.imdecode with IMREAD_{flag} (upright by EXIF){order}",
        f"decode a JPEG by IMREAD_REDUCED_{flag}_n instead, with the largest n of 8, 4 and 2 for which the shorter side in its "
        f"header, divided by n and rounded down, is at least {cached}, if there is one",
        f"decode what OpenCV cannot by Pillow, ImageOps.exif_transpose and convert('{'RGB' if channels == 3 else 'L'}')",
        f"decode deeper pixels than 8 bits by IMREAD_ANYCOLOR | IMREAD_ANYDEPTH (IMREAD_UNCHANGED where Pillow finds "
        f"transparency), .npy by numpy.load; {_scaling(rendering)}; {grey}",
        "decode what Pillow finds transparent (has_transparency_data) by Pillow, ImageOps.exif_transpose and "
        f"convert('RGBA'), if it is not deeper; a colour c of alpha a becomes (c * a + {background} * (255 - a) + 127) // 255; "
        f"{grey}",
    ]


def _scaling(rendering: Rendering) -> str:
    """Return how deeper pixels become bytes."""
    ranges = "".join(f"{name} has {low!r} to {high!r}, " for name, (low, high) in rendering.ranges.items())
    return (
        "a value v of deeper pixels becomes (min(max(v, low), high) - low) * (255 / (high - low)) in float64, rounded, halves to "
        f"even: {ranges}other whole numbers have 0 to the largest of their type"
    )
