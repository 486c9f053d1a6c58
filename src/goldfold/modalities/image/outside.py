"""Images from outside the competition, and how a program without goldfold makes the model's input of them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.images import image_files
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.image.decode import decode, shrink
from goldfold.modalities.image.learning import ImageView, changed


def read_files(paths: Sequence[Path]) -> pd.DataFrame:
    """The files among `paths`, and the images in those that are folders, in the column `image`.

    Raises InputError where there is none.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} files or folders are not there", missing, "correct the paths")
    found = [file for path in paths for file in ([path / name for name in image_files(path)] if path.is_dir() else [path])]
    if not found:
        raise InputError("there are no images in these folders", [str(path) for path in paths], "name images or their folders")
    return pd.DataFrame({"image": found}, index=[str(file) for file in found])


def test_rows(competition: Competition) -> pd.DataFrame:
    """The test table, with the path of each row's image in the column `image`."""
    alone = replace(competition, train=competition.train.iloc[:0])
    paths = pd.Series([competition.root / name for name in alone.image_paths()], competition.test.index, object)
    return competition.test.assign(image=paths)


def outside_view(table: pd.DataFrame, spec: Mapping[str, Any], change: Component | None, unreadable: dict[int, str]) -> ImageView:
    """The images of the column `image` as the plain view shows them: paths, bytes of files, or texts of them in base64.

    One that cannot be decoded is black, and `unreadable` gets the reason.
    """
    if "image" not in table:
        raise InputError("there is no column image, with the path of each row's image", mend="add it")
    return ImageView(OutsideImages(list(table["image"]), spec, unreadable), spec, changed(change, spec))


class OutsideImages:
    """Images from files or their content, decoded and shrunk as the cache keeps them, when they are asked for."""

    def __init__(self, contents: Sequence[Path | str | bytes], spec: Mapping[str, Any], unreadable: dict[int, str]) -> None:
        self.contents, self.unreadable = contents, unreadable
        self.channels, self.size = spec["channels"], spec["cache_size"]

    def __getitem__(self, position: int) -> Array:
        content = self.contents[position]
        try:
            if isinstance(content, Path):
                data = content.read_bytes()
            else:
                data = base64.b64decode(content) if isinstance(content, str) else bytes(content)
            return shrink(decode(data, self.channels, self.size), self.size)
        except (OSError, ValueError, TypeError) as error:
            self.unreadable[position] = str(error)
            return np.zeros((self.size, self.size, self.channels), np.uint8)


def outside_columns(_: Mapping[str, Any]) -> dict[str, str]:
    """The column of the images' bytes."""
    return {"image": "binary"}


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """How a file becomes the model's input."""
    return {
        "input": {"name": "image", "shape": ["batch", spec["size"], spec["size"], spec["channels"]], "dtype": "uint8"},
        "steps": [
            f"decode to {spec['channels']} channels" + (", RGB" if spec["channels"] == 3 else "") + ", upright by EXIF",
            f"shrink the shorter side to {spec['cache_size']} pixels (area) if it is longer, keeping the aspect",
            f"resize to {spec['size']} x {spec['size']} (area if both sides shrink, else {spec['interpolation']}), "
            "as bytes from 0 to 255",
        ],
        "normalisation": {"inside the model": True, "mean": spec["mean"], "std": spec["std"]},
    }
