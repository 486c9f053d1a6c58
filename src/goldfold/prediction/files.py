"""Predicting single files with the models of a run."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from goldfold.competition.images import image_files
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.training import FoldResult
from goldfold.training.device import find_compute_again
from goldfold.training.evaluate import average, predict_logits


class FilePredictor:
    """The models of one or more folds, which predict the content of files and average."""

    def __init__(self, folds: Sequence[FoldResult]) -> None:
        self.folds = folds
        self.problem = folds[0].codec.problem
        self.compute = find_compute_again(folds[0].precision)
        self.models = [fold.build_model().to(self.compute.device) for fold in folds]

    def predict(self, contents: Sequence[bytes]) -> Array:
        """Predictions in the shape that metrics take, one row per file; raises ValueError for a file that cannot be read."""
        predictions = []
        for fold, model in zip(self.folds, self.models, strict=True):
            batches = [(torch.tensor([row]), fold.modality.read_file(data, fold.spec)) for row, data in enumerate(contents)]
            predictions.append(fold.codec.decode(predict_logits(model, batches, self.compute)))
        return average(self.problem, np.stack(predictions))


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files among `paths`, and the images in those that are folders; raises InputError where there is none."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise InputError(f"{len(missing)} of {len(paths)} files or folders are not there", missing, "correct the paths")
    found = [file for path in paths for file in ([path / name for name in image_files(path)] if path.is_dir() else [path])]
    if not found:
        raise InputError("there are no images in these folders", [str(path) for path in paths], "name images or their folders")
    return found


def predict_files(folds: Sequence[FoldResult], files: Sequence[Path]) -> Array:
    """Predict files one by one; raises InputError that names all those that cannot be read."""
    predictor, predictions, bad = FilePredictor(folds), [], []
    for file in files:
        try:
            predictions.append(predictor.predict([file.read_bytes()])[0])
        except (OSError, ValueError) as error:
            bad.append(f"{file}: {error}")
    if bad:
        raise InputError(f"{len(bad)} of {len(files)} files cannot be predicted", bad, "replace them, or leave them out")
    return np.array(predictions)
