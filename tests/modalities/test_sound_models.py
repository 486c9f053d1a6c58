"""Sounds under an estimator, and beside the columns of a table."""

import pytest
import timm
import torch
from tests.modalities.sounds import RATE, write_tones

from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import PreparedRows
from goldfold.prepare import prepare
from goldfold.training import FoldResult, train_fold

pytestmark = pytest.mark.slow
SOUND = {"name": "test_resnet", "seconds": 0.5, "mels": 24}


def trained(tmp_path, modality, model, prepare_section):
    root = write_tones(tmp_path / "tones")
    sections = {
        "competition": {"path": str(root), "modality": modality},
        "split": {"n_folds": 3, "folds": [0]},
        "prepare": {**prepare_section, "audit": "off"},
        "model": model,
        "augment": [{"name": "Speed"}, {"name": "SpecAugment", "p": 1.0}],
        "train": {"epochs": 2, "batch_size": 16, "workers": 0, "precision": "fp32"},
    }
    config = parse_config(sections)
    prepared, _ = prepare(
        read_competition(config.competition, config.prepare), config.split, config.prepare, tmp_path / "prepared"
    )
    train_fold(prepared, 0, 0, config, tmp_path / "fold")
    fold = FoldResult.load(tmp_path / "fold")
    prediction = Ensemble([fold], config.predict).predict(PreparedRows(prepared, "test"))
    assert len(prediction) == len(prepared.test)
    return fold


def test_an_estimator_reads_frozen_features_of_all_windows(tmp_path):
    torch.manual_seed(0)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.pth")
    model = {**SOUND, "pretrained": True, "weights": str(tmp_path / "weights.pth"), "estimator": "linear"}
    # Even random features tell a high tone from a low one.
    assert trained(tmp_path, "sound", model, {"rate": RATE}).score > 0.8


def test_a_sound_and_columns_are_one_network(tmp_path):
    model = {"sound": SOUND, "table": {"hidden": [8]}}
    assert trained(tmp_path, "sound+table", model, {"sound": {"rate": RATE}}).config.model.name == "fused"
