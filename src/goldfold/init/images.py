"""The size of a competition's images."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from goldfold.errors import InputError

LOOKED_AT = 200


def typical_side(paths: Iterable[Path]) -> int:
    """Return the median of the shorter sides of some of the images, in pixels."""
    from PIL import Image, UnidentifiedImageError

    paths = list(paths)
    some = [paths[int(at)] for at in np.linspace(0, len(paths) - 1, min(len(paths), LOOKED_AT))]
    sides = []
    for path in some:
        try:
            if path.suffix == ".npy":
                shape = np.load(path, mmap_mode="r").shape
                sides.append(min(shape[:2]))
            else:
                with Image.open(path) as image:
                    sides.append(min(image.size))
        except (OSError, ValueError, UnidentifiedImageError):
            continue
    if not sides:
        raise InputError(
            f"none of {len(some)} images can be read", [str(path) for path in some], "replace them: they seem damaged"
        )
    return int(np.median(sides))
