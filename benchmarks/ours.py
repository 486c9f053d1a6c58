"""goldfold's side of a comparison. Each function sets up and returns what is timed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldfold.competition import read_competition
from goldfold.config import Config, parse_config
from goldfold.metrics import Array
from goldfold.modalities.protocol import find_learning
from goldfold.prediction import predict
from goldfold.prepare import PreparedSet, prepare
from goldfold.training import load_folds
from goldfold.training.batches import EpochSampler, training_batches
from goldfold.training.device import find_compute
from goldfold.training.finetune import set_trainable
from goldfold.training.precision import choose_compute
from goldfold.training.reporter import Silent
from goldfold.training.setup import Setup, set_up
from goldfold.training.step import train_step

PHOTO = (375, 500)
CROP_AND_FLIP: list[dict[str, Any]] = [
    {"name": "RandomResizedCrop", "size": [224, 224]},
    {"name": "HorizontalFlip", "p": 0.5},
]
WORKERS = 2


def prepared_set(folder: Path, sections: dict[str, Any]) -> tuple[PreparedSet, Config]:
    """The competition in `folder`/data, prepared once, and the config of these sections to train on it."""
    competition = {"path": str(folder / "data"), **sections.get("competition", {})}
    config = parse_config({**sections, "competition": competition})
    if not (folder / "prepared").exists():
        prepare(read_competition(config.competition), config.split, config.prepare, folder / "prepared")
    return PreparedSet.load(folder / "prepared"), config


def loading(folder: Path, sections: dict[str, Any], workers: int) -> Callable[[], None]:
    """An epoch of training batches, normalised as the model does."""
    prepared, config = prepared_set(folder, sections)
    find_compute("fp32")
    modality = find_learning("image")
    rows = np.arange(len(prepared.train))
    spec = modality.input_spec(config.model, prepared, rows)
    sampler = EpochSampler(rows, 0)
    view = modality.training_view(prepared, rows, spec, config.augment, 0, 100)
    batches = training_batches(view, sampler, config.train.batch_size, workers)
    model: Any = modality.build_model(config.model, spec, prepared.problem, pretrained=False)
    model.backbone = torch.nn.Identity()

    def run() -> None:
        for _, inputs in batches:
            model.features(**inputs)
        sampler.epoch += 1

    return run


def training(folder: Path, sections: dict[str, Any], synthetic: bool = False) -> Callable[[], int]:
    """An epoch of training steps; `synthetic` takes one batch, held in memory, for all of them. It returns the rows seen."""
    prepared, config = prepared_set(folder, sections)
    setup = set_up(prepared, 0, 0, config, choose_compute(prepared, config, folder), Silent())
    return partial(_epoch, setup, synthetic)


def _epoch(setup: Setup, synthetic: bool) -> int:
    set_trainable(setup.model, setup.config.finetune, setup.config.train.epochs - 1)
    held = next(iter(setup.batches)) if synthetic else None
    seen = 0
    for step, (rows, inputs) in enumerate([held] * setup.steps if held else setup.batches):
        train_step(setup, setup.sampler.epoch, step, rows, inputs, lambda _: None)
        setup.schedule.batch_ended()
        seen += len(rows)
    setup.sampler.epoch += 1
    return seen


def predicting(folder: Path, sections: dict[str, Any]) -> Callable[[], Array]:
    """The test set predicted by the folds that were trained in `folder`, with the flipped views."""
    prepared, config = prepared_set(folder, sections)
    folds = load_folds(folder / "folds", config.split.folds, config.train.seeds)
    return lambda: prepared.problem.predictions(predict(prepared, folds, config.predict).predictions)
