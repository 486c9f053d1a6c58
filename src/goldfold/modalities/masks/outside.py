"""Images from outside the competition, whose masks are predicted at their own size."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from goldfold.config import Component
from goldfold.modalities.image.outside import describe as describe_image
from goldfold.modalities.image.outside import images_of, outside_columns, read_files, test_rows
from goldfold.modalities.masks.learning import MaskView, plain_masks

__all__ = ["describe", "outside_columns", "outside_view", "read_files", "test_rows"]


def outside_view(table: pd.DataFrame, spec: Mapping[str, Any], change: Component | None, unreadable: dict[int, str]) -> MaskView:
    """Return the images of the column `image`, paths or contents of files (bytes or base64), as the plain view shows them.

    An image that cannot be decoded is black, and `unreadable` gets the reason.
    """
    images = images_of(table, spec, unreadable)
    return plain_masks(images, images.sizes, spec, change)


def describe(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a file becomes the model's input, and the model's logits a mask."""
    size = spec["size"]
    steps = [
        f"the output has logits of shape (batch, classes, {size}, {size}); sigmoid, times 255, rounded to uint8",
        "cv2.resize with INTER_LINEAR to the image's width and height; from the fitted threshold on, else 128, it is in the mask",
    ]
    return {**describe_image(spec), "mask": steps}
