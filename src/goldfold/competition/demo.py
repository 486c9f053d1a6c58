"""The embedded competition: scikit-learn's handwritten digits, laid out as Kaggle lays out a competition."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from goldfold.files import folder_written_whole, written_whole

TEST_SHARE = 0.2


def write_digits(folder: Path, solution: Path) -> None:
    """Write train.csv, test.csv, sample_submission.csv and images/ to `folder`, and the test labels to `solution`.

    1,797 scans of 8x8 pixels with 17 grey levels, of which a fifth is the test set. Source: E. Alpaydin and C. Kaynak,
    Optical Recognition of Handwritten Digits (1998), as sklearn.datasets.load_digits ships it.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    ids = np.array([f"{number:04d}" for number in np.random.default_rng(0).permutation(len(digits.target))])
    train, test = train_test_split(np.arange(len(ids)), test_size=TEST_SHARE, stratify=digits.target, random_state=0)
    train, test = train[np.argsort(ids[train])], test[np.argsort(ids[test])]
    with folder_written_whole(folder) as draft:
        (draft / "images").mkdir()
        for name, image in zip(ids, digits.images, strict=True):
            cv2.imwrite(str(draft / "images" / f"{name}.png"), np.rint(image * (255 / 16)).astype(np.uint8))
        pd.DataFrame({"id": ids[train], "label": digits.target[train]}).to_csv(draft / "train.csv", index=False)
        pd.DataFrame({"id": ids[test]}).to_csv(draft / "test.csv", index=False)
        pd.DataFrame({"id": ids[test], "label": 0}).to_csv(draft / "sample_submission.csv", index=False)
    with written_whole(solution) as draft_file:
        pd.DataFrame({"id": ids[test], "label": digits.target[test]}).to_csv(draft_file, index=False)
