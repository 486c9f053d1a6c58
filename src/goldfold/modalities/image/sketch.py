"""What is kept of each image to find its duplicates, and to tell images apart without their pixels."""

import cv2
import numpy as np

from goldfold.metrics import Array

SIDE, LOW = 32, 8
FREQUENCIES = tuple(f"f{row}{column}" for row in range(LOW) for column in range(LOW))[1:]
"""The lowest frequencies of the discrete cosine transform, without the mean, as a perceptual hash (pHash) takes them."""
STATISTICS = ("brightness", "contrast", "redness", "blueness", "sharpness")
COLUMNS = (*STATISTICS, *FREQUENCIES)


def sketch(image: Array) -> Array:
    """COLUMNS of an image (height, width, channels) uint8: (68,) float32, of the grey image shrunk to SIDE pixels squared."""
    colour = image.shape[2] in (3, 4)
    grey = cv2.cvtColor(image[..., :3], cv2.COLOR_RGB2GRAY) if colour else np.ascontiguousarray(image[..., 0])
    mean, deviation = cv2.meanStdDev(grey)
    red, green, blue = cv2.mean(image[..., :3])[:3] if colour else (0.0, 0.0, 0.0)
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    sharpness = cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_32F))[1]
    statistics = [mean[0, 0], deviation[0, 0], red - green, blue - green, sharpness[0, 0]]
    return np.concatenate([np.array(statistics, np.float32), cv2.dct(small)[:LOW, :LOW].ravel()[1:]])


def mirrored(frequencies: Array) -> Array:
    """The FREQUENCIES, (n, 63), of the images turned left to right."""
    signs = np.tile(np.where(np.arange(LOW) % 2, -1, 1), LOW)[1:]
    return np.asarray(frequencies * signs.astype(frequencies.dtype))
