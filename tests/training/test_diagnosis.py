"""The learning-rate range test, and the fitting of one batch."""

import numpy as np
import pandas as pd
import pytest
import timm
import torch
from PIL import Image

from goldfold.training.layers import list_layers
from goldfold.training.lr_find import RangeTest, find_lr
from goldfold.training.one_batch import overfit
from goldfold.training.reporter import Silent


@pytest.mark.slow
def test_the_range_test_finds_a_rate_that_learns_and_stops_where_it_diverges(digits, settings, tmp_path):
    result = find_lr(digits, 0, settings(optimizer={"name": "sgd", "momentum": 0.9}), Silent(), steps=80)
    assert result.lrs[0] == 1e-7 and (np.diff(result.lrs) > 0).all()
    assert 1e-3 < result.suggested < 0.2
    assert result.losses.min() < result.losses[0]
    result.save(tmp_path)
    assert list(pd.read_csv(tmp_path / "lr-find.csv").columns) == ["lr", "loss"]
    assert Image.open(tmp_path / "lr-find.png").width > 400


def test_the_suggestion_is_a_tenth_of_the_rate_of_the_lowest_loss():
    assert RangeTest(np.array([0.1, 1.0, 10.0]), np.array([2.0, 1.0, 3.0])).suggested == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "trained"), [("test_resnet", "all"), ("test_vit", "head")])
def test_the_layers_have_all_parameters_and_the_frozen_ones_apart(name, trained):
    args = {"img_size": 32} if name == "test_vit" else {}
    model = timm.create_model(name, num_classes=10, **args)
    for parameter in [] if trained == "all" else model.parameters():
        parameter.requires_grad_(parameter is model.head.weight or parameter is model.head.bias)
    layers = list_layers(model, {"x": torch.zeros(2, 3, 32, 32)})
    assert sum(layer.trainable + layer.frozen for layer in layers) == sum(p.numel() for p in model.parameters())
    assert sum(layer.trainable for layer in layers) == sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert layers[-1].shape == (10,) and len({layer.path for layer in layers}) == len(layers)


@pytest.mark.slow
def test_the_range_test_is_the_same_each_time(digits, settings):
    first, second = (find_lr(digits, 0, settings(), Silent(), steps=20) for _ in range(2))
    assert first.losses.tolist() == second.losses.tolist()


def test_a_model_that_can_learn_learns_a_batch_by_heart(digits, settings):
    heard = []
    result = overfit(digits, 0, settings(batch_size=32), Silent(), 200, lambda step, loss: heard.append((step, loss)))
    assert result.learned and result.rows == 32 and result.steps < 200
    assert heard[0] == (1, result.first) and heard[-1] == (result.steps, result.last)


def test_one_that_cannot_does_not(digits, settings):
    result = overfit(digits, 0, settings(lr=1e-9), Silent(), 10, lambda *_: None)
    assert not result.learned and result.steps == 10
