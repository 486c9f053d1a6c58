"""Auxiliary columns are learned by the networks of each kind of input, and refused by masks."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.modalities.sounds import RATE, write_tones
from tests.modalities.texts import text_config

from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.errors import InputError
from goldfold.modalities.masks.model import MaskModel
from goldfold.prepare import prepare
from goldfold.training.auxiliary import require_features
from goldfold.training.finetune import set_trainable
from goldfold.training.reporter import Silent
from goldfold.training.step import train_step
from goldfold.training.trainer import make_trainer

pytestmark = pytest.mark.slow
SOUND = {"name": "test_resnet", "seconds": 0.5, "mels": 24}
BESIDE = {"epochs": 1, "batch_size": 16, "workers": 0, "precision": "fp32", "auxiliary": {"loud": 1.0}}


def require_taught(prepared, config):
    """Require that an auxiliary column alone teaches the backbone of a network."""
    marked = replace(prepared, train=prepared.train.assign(loud=np.arange(len(prepared.train)) % 5))
    trainer = make_trainer(marked, 0, 0, config, Silent())
    set_trainable(trainer.model, config.finetune, 0)
    trainer.loss = lambda logits, target: 0 * logits.sum()
    train_step(trainer, 0, 0, *next(iter(trainer.batches)))
    taught = {name: bool(tensor.grad is not None and tensor.grad.any()) for name, tensor in trainer.model.named_parameters()}
    assert not any(was for name, was in taught.items() if name.startswith("head."))
    assert any(was for name, was in taught.items() if name.startswith("backbone."))
    return {name.split(".")[1] for name, was in taught.items() if was}


def test_of_texts(stories):
    require_taught(stories, text_config(**BESIDE))


@pytest.mark.parametrize("modality", ["sound", "sound+table"])
def test_of_sounds_and_of_several_kinds(tmp_path, modality):
    is_fused = "+" in modality
    sections = {
        "competition": {"path": str(write_tones(tmp_path / "tones")), "modality": modality},
        "split": {"n_folds": 3, "folds": [0]},
        "prepare": {**({"sound": {"rate": RATE}} if is_fused else {"rate": RATE}), "audit": "off"},
        "model": {"sound": SOUND, "table": {"hidden": [8]}} if is_fused else SOUND,
        "augment": [{"name": "SpecAugment", "p": 1.0}],
        "train": {**BESIDE, "mix": [] if is_fused else [{"name": "MixUp", "alpha": 0.4}]},
    }
    config = parse_config(sections)
    competition = read_competition(config.competition, config.prepare)
    prepared, _ = prepare(competition, config.split, config.prepare, tmp_path / "prepared")
    parts = require_taught(prepared, config)
    assert not is_fused or {"sound", "table"} <= parts


def test_masks_refuse_them():
    model = MaskModel(torch.nn.Identity(), torch.nn.Conv2d(3, 1, 1), [0.5], [0.5])
    config = SimpleNamespace(model=SimpleNamespace(name="unet"), train=SimpleNamespace(auxiliary={"area": 1.0}))
    with pytest.raises(InputError, match=r"train\.auxiliary: unet has no features and head of its own(.|\n)*networks of masks"):
        require_features(model, config)
