"""How a search is written, and what becomes of its values."""

import pytest

from goldfold.config import parse_sweep
from goldfold.config.recipe import overlaid, with_values
from goldfold.errors import InputError
from goldfold.sweep.space import overlay, value_at

TREE = {"competition": {"path": "x"}, "model": {"name": "test_resnet"}, "augment": [{"name": "Affine", "p": 0.5}]}


def parsed(space, **more):
    return parse_sweep({"trials": 3, "space": space, **more}, TREE, "a.yaml")


@pytest.mark.parametrize(
    ("space", "more", "message"),
    [
        ({"train.lrr": [0.1, 0.2]}, {}, r"train.lrr at 0.1: train.lrr: there is no such key; did you mean lr\?"),
        ({"train.lr": {"low": 0.1, "hihg": 1}}, {}, r"sweep.space.train.lr.hihg: there is no such key; did you mean high\?"),
        ({"train.lr": {"low": 0.1}}, {}, r"sweep.space.train.lr.high: this key is missing"),
        ({"train.lr": {"low": 1, "high": 0.1}}, {}, r"low: 1 must be less than high: 0.1"),
        ({"train.lr": {"low": 0, "high": 0.1, "log": True}}, {}, r"log needs a low above 0"),
        ({"train.lr": {"low": -1.0, "high": 0.1}}, {}, r"train.lr at -1.0: train.lr: .*greater than 0"),
        ({"train.monitor": ["metric", "los"]}, {}, r"train.monitor at los: train.monitor: .*'metric' or 'loss'"),
        ({"split.seed": [0, 1]}, {}, r"split.seed: trials on other folds cannot be compared"),
        ({"predict.average": ["predictions", "mean"]}, {}, r"predict.average at mean: predict.average: .*'logits' or 'ranks'"),
        ({"train.epochs": [5, 9, 5]}, {}, r"train.epochs: 5 is listed twice"),
        ({"train.lr": [0.1]}, {}, r"sweep.space.train.lr: .*give at least two values"),
        ({"train.lr": [0.1, 0.2]}, {"trials": None}, r"give a budget: trials or hours"),
        ({"train.lr": [0.1, 0.2]}, {"prune": {"percentil": 3}}, r"sweep.prune.percentil: .*did you mean percentile\?"),
    ],
)
def test_a_message_on_a_wrong_search_names_its_key(space, more, message):
    with pytest.raises(InputError, match=message):
        parsed(space, **more)


def test_a_search_may_be_over_whole_things_and_over_entries_of_lists():
    sweep = parsed({"augment.0.p": {"low": 0.1, "high": 0.9}, "train.scheduler": [{"name": "OneCycleLR"}, {"name": "StepLR"}]})
    assert set(sweep.space) == {"augment.0.p", "train.scheduler"}
    assert value_at(TREE, "augment.0.p") == 0.5 and value_at(TREE, "train.average.decay") is None


def test_an_overlay_holds_what_differs_and_lists_whole():
    recipe = {"sweep": {"trials": 3}, "train": {"epochs": 3}}
    result = overlay(recipe, {"augment.0.p": 0.7, "train.lr": 0.1}, overlaid(TREE, recipe))
    assert result == {"train": {"epochs": 3, "lr": 0.1}, "augment": [{"name": "Affine", "p": 0.7}]}
    assert overlaid(TREE, result) == with_values(overlaid(TREE, {"train": {"epochs": 3}}), {"train.lr": 0.1, "augment.0.p": 0.7})
