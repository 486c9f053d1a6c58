"""Features of frozen networks are read once, and an estimator on them goes the way of every model."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from tests.conftest import score_again

from goldfold.config import PredictConfig
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import PreparedRows
from goldfold.prediction.test_set import predict
from goldfold.training import FoldResult, train_fold
from goldfold.training.stopping import Stopped
from goldfold.validation.cross_validation import validate


@pytest.fixture
def config(settings, weights):
    def build(model=None, **train):
        return settings(model={"pretrained": True, "weights": weights, "estimator": "linear", **(model or {})}, **train)

    return build


def test_each_image_is_read_once_for_all_folds_stages_and_estimators(digits, config, tmp_path, images_read):
    folds = [train_fold(digits, fold, 0, config(), tmp_path / str(fold), scratch=tmp_path) for fold in range(3)]
    assert images_read() == 2 * 300
    cv = validate(digits, folds, config().validate_, scratch=tmp_path)
    assert images_read() == 2 * 300 and cv.scores.folds == {fold.fold: fold.score for fold in folds}
    predict(digits, Ensemble(folds), tmp_path)
    assert images_read() == 2 * 300 + len(digits.test)
    train_fold(digits, 0, 0, config({"estimator": {"name": "KNeighbors", "n_neighbors": 3}}), tmp_path / "0", scratch=tmp_path)
    assert images_read() == 2 * 300 + len(digits.test)


def test_the_checkpoint_reads_the_images_by_itself(digits, config, tmp_path):
    result = train_fold(digits, 0, 0, config(), tmp_path / "0", scratch=tmp_path)
    loaded = FoldResult.load(tmp_path / "0")
    assert score_again(digits, loaded) == result.score
    inputs = loaded.modality.plain_view(digits, "test", loaded.spec).__getitems__([(0, row) for row in range(20)])[1]
    with torch.inference_mode():
        logits = loaded.build_model().eval()(**inputs)
    kept = Ensemble([loaded]).predict(PreparedRows(digits, "test", scratch=tmp_path))[:20]
    assert np.asarray(logits.softmax(1)) == pytest.approx(kept, abs=1e-5)


def test_a_checkpoint_is_the_same_whichever_fold_came_first_and_after_a_stop(digits, config, tmp_path):
    chosen = config(batch_size=32)
    first = train_fold(digits, 1, 0, chosen, tmp_path / "a", scratch=tmp_path / "one")
    train_fold(digits, 0, 0, chosen, tmp_path / "b", scratch=tmp_path / "two")
    checks = count()
    with pytest.raises(Stopped):
        train_fold(digits, 1, 0, chosen, tmp_path / "c", scratch=tmp_path / "three", stop=lambda: stops(next(checks)))
    for scratch in ("two", "three"):
        again = train_fold(digits, 1, 0, chosen, tmp_path / "d", scratch=tmp_path / scratch)
        assert all(torch.equal(again.weights[name], first.weights[name]) for name in first.weights)


def stops(check):
    return "interrupted" if check > 2 else None


def test_features_of_several_backbones_are_joined_and_rows_changed_for_tta(digits, settings, weights, tmp_path, images_read):
    backbones = [{"name": "test_resnet", "weights": weights}, {"name": "test_vit", "weights": of("test_vit", tmp_path)}]
    model = {"name": "features", "backbones": backbones, "estimator": {"name": "LogisticRegression", "C": 3.0}, "views": 1}
    config = settings(model={**model, "image_size": 160})
    result = train_fold(digits, 0, 0, config, tmp_path / "0", scratch=tmp_path)
    built = FoldResult.load(tmp_path / "0").build_model()
    widths = [network.num_features for network in built.network.networks.values()]
    assert built.num_features == sum(widths) == built.estimator.n_features_in_ and built.estimator.C == 3.0
    assert score_again(digits, result) == result.score
    tta = PredictConfig(tta=[{"name": "HorizontalFlip"}])
    before = images_read()
    plain, flipped = predict_fold(result, PreparedRows(digits, "test", scratch=tmp_path), tta)
    assert not np.array_equal(plain, flipped) and images_read() - before == 2 * 2 * len(digits.test)


def of(name, folder):
    """A file of weights."""
    path = folder / f"{name}.safetensors"
    save_file({key: tensor.contiguous() for key, tensor in timm.create_model(name, num_classes=0).state_dict().items()}, path)
    return str(path)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({"pretrained": False, "weights": None}, "set pretrained: true"),
        ({"estimator": None, "views": 3}, "set estimator: linear, or leave out views"),
        ({"head": {"hidden": [8]}}, "nothing is trained below an estimator"),
        ({"name": "features"}, "name: features and its backbones go together"),
        ({"name": "features", "backbones": ["resnet18"]}, "weights and args of their own"),
        ({"name": "features", "backbones": ["resnet18"], "weights": None, "estimator": None}, "set estimator: linear"),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_trained(config, model, says):
    with pytest.raises(InputError, match=says):
        config(model)


def test_a_weight_counts_in_each_view(digits, config, tmp_path):
    balanced = train_fold(digits, 0, 0, config(class_weights="balanced"), tmp_path / "0", scratch=tmp_path)
    assert balanced.score > 0.5


def test_random_labels_stay_at_chance(digits, config, tmp_path):
    """The features know no labels, and the estimator sees those of the training rows alone."""
    shuffled = digits.train["label"].sample(frac=1, random_state=0).to_numpy()
    random = replace(digits, train=digits.train.assign(label=shuffled))
    scores = [train_fold(random, fold, 0, config(), tmp_path / str(fold), scratch=tmp_path).score for fold in range(3)]
    assert np.mean(scores) < 0.2
