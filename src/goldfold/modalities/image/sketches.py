"""Sketches of images, by which duplicates are found and statistics computed without reading the pixels."""

import cv2
import numpy as np

from goldfold.metrics import Array

SIDE, LOW = 32, 8
FREQUENCIES = tuple(f"f{row}{column}" for row in range(LOW) for column in range(LOW))[1:]
"""The lowest frequencies of the discrete cosine transform, without the mean, as a perceptual hash (pHash) takes them."""
MIRROR = np.tile(np.where(np.arange(LOW) % 2, -1, 1), LOW)[1:].astype(np.float32)
"""The factors, (63,) float32, that turn an image's FREQUENCIES into those of its mirror image."""
STATISTICS = ("brightness", "contrast", "redness", "blueness", "sharpness")
COLUMNS = (*STATISTICS, *FREQUENCIES)


def sketch(image: Array) -> Array:
    """Return the COLUMNS of an image (height, width, channels) uint8, shrunk to SIDE x SIDE pixels: (68,) float32."""
    colour = image.shape[2] in (3, 4)
    small = _shrunk(np.ascontiguousarray(image[..., :3] if colour else image[..., :1]))
    grey = (cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) if colour else small).astype(np.float32)
    mean, deviation = cv2.meanStdDev(grey)
    red, green, blue = cv2.mean(small)[:3]
    sharpness = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1]
    casts = [red - green, blue - green] if colour else [0, 0]
    statistics = [mean[0, 0], deviation[0, 0], *casts, sharpness[0, 0]]
    return np.concatenate([np.array(statistics, np.float32), cv2.dct(grey)[:LOW, :LOW].ravel()[1:]])


def _shrunk(image: Array) -> Array:
    """Return the image at SIDE x SIDE pixels; a large one is sampled first, which is enough for so few frequencies."""
    if min(image.shape[:2]) >= 4 * SIDE:
        image = cv2.resize(image, (2 * SIDE, 2 * SIDE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
