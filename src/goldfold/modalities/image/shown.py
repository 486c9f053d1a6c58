"""Images as people see them."""

import numpy as np

from goldfold.metrics import Array
from goldfold.modalities.image.cache import ImageCache
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part


def show_rows(prepared: PreparedSet, part: Part, rows: Array) -> list[Shown]:
    """Return the images as the cache holds them; of channels that are not RGB the first alone."""
    images = ImageCache.load(prepared.folder)
    first = 0 if part == "train" else len(prepared.train)
    shown = [images[first + row] for row in rows]
    return [Shown(image[..., :3] if image.shape[2] in (3, 4) else np.repeat(image[..., :1], 3, axis=2)) for image in shown]
