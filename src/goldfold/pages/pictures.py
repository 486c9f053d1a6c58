"""Pictures as they stand in a page: small, and within it."""

import base64

import cv2
import numpy as np

from goldfold.metrics import Array

SIDE = 144
"""The longer side of a picture on the page, in pixels."""
SHARP = 72
"""Pixels of the longer side below which a picture is shown pixel by pixel."""


def fitted(picture: Array) -> Array:
    """A picture (height, width, 3) uint8 with a longer side of at most SIDE; small ones as many times as large as fits."""
    longer = max(picture.shape[:2])
    times = SIDE // longer if longer < SHARP else min(1.0, SIDE / longer)
    size = [max(1, round(length * times)) for length in picture.shape[1::-1]]
    how = cv2.INTER_NEAREST if longer < SHARP else cv2.INTER_AREA
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=how))


def heated(picture: Array, heat: Array) -> Array:
    """A picture under a heat map, (height, width) from 0 to 1, which covers all of it."""
    size = picture.shape[1::-1]
    smooth = np.clip(cv2.resize(heat, size, interpolation=cv2.INTER_CUBIC), 0, 1)
    colours = cv2.cvtColor(cv2.applyColorMap((smooth * 255).astype(np.uint8), cv2.COLORMAP_TURBO), cv2.COLOR_BGR2RGB)
    share = (0.2 + 0.4 * smooth)[..., None]
    return np.asarray(picture * (1 - share) + colours * share).astype(np.uint8)


def data_uri(picture: Array) -> str:
    """A picture as the address of an image that holds it: whichever of PNG and JPEG is smaller."""
    shown = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    written = {kind: cv2.imencode(f".{kind}", shown)[1].tobytes() for kind in ("png", "jpeg")}
    kind = min(written, key=lambda name: len(written[name]))
    return f"data:image/{kind};base64,{base64.b64encode(written[kind]).decode()}"
