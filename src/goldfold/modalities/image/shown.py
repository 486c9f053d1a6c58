"""Images as people see them."""

import numpy as np

from goldfold.metrics import Array
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.protocol import Spec
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part


def show_rows(prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
    """Return the images of the cache, or the part of them that a model of `spec` sees; not RGB, their first channel alone."""
    images = ImageCache.load(prepared.folder)
    first = 0 if part == "train" else len(prepared.train)
    shown = [images[first + row] for row in rows]
    if spec and spec["crop"]:
        shown = [_centre(image, spec["crop"]) for image in shown]
    return [Shown(image[..., :3] if image.shape[2] in (3, 4) else np.repeat(image[..., :1], 3, axis=2)) for image in shown]


def _centre(image: Array, crop: float) -> Array:
    """Return the square in the centre, `crop` of the shorter side wide."""
    height, width = image.shape[:2]
    side = max(1, round(crop * min(height, width)))
    top, left = (height - side) // 2, (width - side) // 2
    return image[top : top + side, left : left + side]
