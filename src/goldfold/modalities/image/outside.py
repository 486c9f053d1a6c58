"""Images from outside the competition, and how a program without goldfold makes the model's input of them."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from goldfold.competition.images import image_files
from goldfold.errors import InputError
from goldfold.modalities.image.decode import INTERPOLATIONS, decode, shrink
from goldfold.modalities.image.learning import square
from goldfold.modalities.protocol import Inputs


def read_files(paths: Sequence[Path]) -> pd.DataFrame:
    """The bytes of the files among `paths`, and of the images in those that are folders, in the column `image`.

    Raises InputError where there is none.
    """
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} files or folders are not there", missing, "correct the paths")
    found = [file for path in paths for file in ([path / name for name in image_files(path)] if path.is_dir() else [path])]
    if not found:
        raise InputError("there are no images in these folders", [str(path) for path in paths], "name images or their folders")
    return pd.DataFrame({"image": [file.read_bytes() for file in found]}, index=[str(file) for file in found])


def read_rows(table: pd.DataFrame, spec: Mapping[str, Any]) -> Inputs:
    """The images of the column `image`, bytes of files or texts of them in base64, as prepare and the plain view make them.

    Raises ValueError for one that cannot be decoded.
    """
    if "image" not in table:
        raise ValueError("there is no column image, with the path of each row's image")
    batch = [_read(base64.b64decode(value) if isinstance(value, str) else bytes(value), spec) for value in table["image"]]
    return {"image": torch.from_numpy(np.stack(batch))}


def _read(data: bytes, spec: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    cached = shrink(decode(data, spec["channels"], spec["cache_size"]), spec["cache_size"])
    return np.ascontiguousarray(square(cached, spec["size"], INTERPOLATIONS[spec["interpolation"]]))


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
