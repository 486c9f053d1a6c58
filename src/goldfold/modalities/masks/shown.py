"""Images as people see them, with the outlines of their true masks."""

import cv2
import numpy as np

from goldfold.masks import unpacked
from goldfold.metrics import Array
from goldfold.modalities.image.shown import show_rows as show_images
from goldfold.modalities.masks.learning import true_masks
from goldfold.modalities.protocol import Spec
from goldfold.prepare import PreparedSet, Shown
from goldfold.prepare.prepared_set import Part

TRUE = (0, 220, 0)


def show_rows(prepared: PreparedSet, part: Part, rows: Array, spec: Spec | None = None) -> list[Shown]:
    """Return the images of the cache; those of the training table with the outlines of their masks, green."""
    shown = show_images(prepared, part, rows)
    if part == "test":
        return shown
    masks = true_masks(prepared)[rows]
    return [
        Shown(outlined(row.picture, [unpacked(cell).levels for cell in cells], TRUE)) if row.picture is not None else row
        for row, cells in zip(shown, masks, strict=True)
    ]


def outlined(picture: Array, masks: list[Array], colour: tuple[int, int, int]) -> Array:
    """Return a picture, (height, width, 3) uint8, with the outlines of masks of its size, of 128 and more inside."""
    drawn = np.ascontiguousarray(picture).copy()
    for mask in masks:
        edges, _ = cv2.findContours((mask >= 128).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(drawn, edges, -1, colour, 1)
    return drawn
