"""goldfold's side of a comparison. Each function sets up and returns what is timed."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldfold.competition import read_competition
from goldfold.config import Config, parse_config
from goldfold.inference.ensemble import Ensemble
from goldfold.metrics import Array
from goldfold.modalities.protocol import find_learning
from goldfold.prediction.test_set import predict
from goldfold.prepare import PreparedSet, prepare
from goldfold.training import load_folds
from goldfold.training.batches import EpochSampler, training_batches
from goldfold.training.device import find_device
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Silent
from goldfold.training.step import train_step
from goldfold.training.trainer import Trainer, make_trainer

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
    find_device()
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
    return partial(_epoch, make_trainer(prepared, 0, 0, config, Silent()), synthetic)


def precision(folder: Path, sections: dict[str, Any]) -> str:
    """The precision that the network is trained in here."""
    prepared, config = prepared_set(folder, sections)
    return make_trainer(prepared, 0, 0, config, Silent()).compute.precision


def _epoch(trainer: Trainer, synthetic: bool) -> int:
    set_trainable(trainer.model, trainer.config.finetune, trainer.config.train.epochs - 1)
    held = next(iter(trainer.batches)) if synthetic else None
    seen = 0
    for step, (rows, inputs) in enumerate([held] * trainer.steps if held else trainer.batches):
        train_step(trainer, trainer.sampler.epoch, step, rows, inputs)
        trainer.schedule.batch_ended()
        seen += len(rows)
    trainer.sampler.epoch += 1
    return seen


def predicting(folder: Path, sections: dict[str, Any]) -> Callable[[], Array]:
    """The test set predicted by the folds that were trained in `folder`, with the flipped views."""
    prepared, config = prepared_set(folder, sections)
    folds = load_folds(folder / "folds", config.split.folds, config.train.seeds)
    return lambda: prepared.problem.predictions(predict(prepared, Ensemble(folds, config.predict)).predictions)
