"""How fast the test set is predicted by five folds with their flipped views."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ours, rivals
from benchmarks.measure import Row, per_second, ratio, take_turns
from benchmarks.pictures import write_competition
from goldfold.training import train_fold

TEST = 96
SECTIONS: dict[str, Any] = {
    "model": {"name": "resnet18", "image_size": 224},
    "augment": ours.CROP_AND_FLIP,
    "train": {"epochs": 2, "batch_size": 16, "lr": 0.0003},
    "predict": {"tta": [{"name": "HorizontalFlip"}], "batch_size": 64},
}


def prediction(folder: Path) -> list[Row]:
    """Five ResNet18s that each trained for two epochs, on test images of the same kind."""
    write_competition(folder / "data", train=100, test=TEST, size=ours.PHOTO)
    prepared, config = ours.prepared_set(folder, SECTIONS)
    folds = [train_fold(prepared, fold, 0, config, folder / f"folds/{fold}/0", scratch=folder) for fold in range(5)]
    files = sorted((folder / "data/images").iterdir())[-TEST:]
    timed = take_turns(
        {
            "ours": partial(ours.predicting, folder, SECTIONS),
            "theirs": partial(rivals.plain_prediction, folder / "folds", files, 64),
        },
        warm_up=False,
    )
    found = ratio(timed["theirs"], timed["ours"])
    ours_, theirs = timed["ours"].result, timed["theirs"].result
    apart, same = float(np.abs(ours_ - theirs).max()), bool(((ours_ > 0.5) == (theirs > 0.5)).all())
    note = f"in {folds[0].precision}; {'same labels' if same else 'LABELS DIFFER'}, probabilities within {apart:.4f}"
    speeds = per_second(TEST, timed["ours"]), per_second(TEST, timed["theirs"])
    met = found >= 3 and same and apart <= 1e-2
    return [Row("prediction, 5 folds, flip TTA, ResNet18", "a plain fp32 loop", *speeds, found, "3 x", met, note)]
