"""Pictures to measure with, cut from the two photos that scikit-learn ships: real textures, whose JPEGs cost what photos cost."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from goldfold.metrics import Array

CLASSES = ("china", "flower")


def write_competition(root: Path, train: int, test: int, size: tuple[int, int], suffix: str = ".jpg") -> None:
    """Write a competition of `train` and `test` images of `size` (height, width), alternately of two classes.

    The training images are in classes/<class>/ beside `root` too, as torchvision's ImageFolder wants them.
    """
    from sklearn.datasets import load_sample_images

    photos = [cv2.cvtColor(photo, cv2.COLOR_RGB2BGR) for photo in load_sample_images().images]
    options = [cv2.IMWRITE_JPEG_QUALITY, 90] if suffix == ".jpg" else []
    (root / "images").mkdir(parents=True)
    for number in range(train + test):
        name = f"{number:06d}{suffix}"
        cv2.imwrite(str(root / "images" / name), _cut(photos[number % 2], number, size), options)
        if number < train:
            folder = root.parent / "classes" / CLASSES[number % 2]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).hardlink_to(root / "images" / name)
    ids = [f"{number:06d}" for number in range(train + test)]
    labels = [CLASSES[number % 2] for number in range(train)]
    pd.DataFrame({"id": ids[:train], "label": labels}).to_csv(root / "train.csv", index=False)
    pd.DataFrame({"id": ids[train:]}).to_csv(root / "test.csv", index=False)
    pd.DataFrame({"id": ids[train:], "label": CLASSES[0]}).to_csv(root / "sample_submission.csv", index=False)


def _cut(photo: Array, number: int, size: tuple[int, int]) -> Array:
    """A part of the photo of any place and scale, resized."""
    draws = np.random.default_rng(number)
    share = draws.uniform(0.5, 1.0)
    height, width = (int(length * share) for length in photo.shape[:2])
    top, left = (draws.integers(0, whole - part + 1) for whole, part in zip(photo.shape[:2], (height, width), strict=True))
    return np.asarray(cv2.resize(photo[top : top + height, left : left + width], size[::-1], interpolation=cv2.INTER_AREA))
