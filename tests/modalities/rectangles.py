"""A small competition of masks: bright rectangles on dark images."""

import cv2
import numpy as np
import pandas as pd

from goldfold.masks import MaskForm, code_of

HEIGHT, WIDTH, TRAIN, TEST = 48, 64, 16, 4
FORM = MaskForm()


def picture(number):
    """A dark image with a bright rectangle, and its mask; every fifth image has none."""
    draws = np.random.default_rng(number)
    image, mask = draws.integers(0, 60, (HEIGHT, WIDTH, 3)).astype(np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    if number % 5 != 4:
        top, left = draws.integers(0, HEIGHT - 24), draws.integers(0, WIDTH - 32)
        mask[top : top + 20, left : left + 28] = 1
        image[mask == 1] = draws.integers(160, 255, 3)
    return image, mask


def write_competition(root, form=FORM, rows=None, sample=None):
    """Write images of training and test rows, and the tables; `rows` and `sample` are made of (name, mask) pairs."""
    for part, numbers in (("train", range(TRAIN)), ("test", range(100, 100 + TEST))):
        (root / part).mkdir(parents=True)
        for number in numbers:
            cv2.imwrite(str(root / part / f"i{number}.png"), picture(number)[0])
    masks = [(f"i{number}", picture(number)[1]) for number in range(TRAIN)]
    table = rows(masks) if rows else pd.DataFrame([(name, code_of(mask, form)) for name, mask in masks], columns=["id", "rle"])
    table.to_csv(root / "train.csv", index=False)
    names = [f"i{number}" for number in range(100, 100 + TEST)]
    asked = sample(names) if sample else pd.DataFrame({"id": names, "rle": "1 1"})
    asked.to_csv(root / "sample_submission.csv", index=False)
    return root
