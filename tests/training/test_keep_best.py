"""The best epochs' checkpoints, whose predictions are averaged."""

import numpy as np
import pytest
import torch

from goldfold.config import PredictConfig, ValidateConfig
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import PreparedRows
from goldfold.training import FoldResult, train_fold
from goldfold.validation.cross_validation import validate

pytestmark = pytest.mark.slow

EPOCHS = 4


@pytest.fixture(scope="module")
def trained(digits, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    return train_fold(digits, 0, 0, settings(epochs=EPOCHS, keep_best=3, lr=0.01), folder), folder


def test_the_best_epochs_are_kept_best_first(trained):
    result, _ = trained
    ranked = result.history.sort_values(["accuracy", "epoch"], ascending=[False, True])["epoch"]
    assert [result.epoch, *(checkpoint.epoch for checkpoint in result.further)] == list(ranked[:3])


def test_checkpoints_are_saved_and_loaded_with_the_best_under_its_own_names(trained):
    result, folder = trained
    loaded = FoldResult.load(folder)
    assert set(loaded.weights) == set(result.weights)
    for first, second in zip(result.further, loaded.further, strict=True):
        assert (first.epoch, first.score, first.loss) == (second.epoch, second.score, second.loss)
        assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


def test_their_predictions_are_averaged(digits, trained):
    result, _ = trained
    rows = digits.validation_rows(0)
    members = predict_fold(result, PreparedRows(digits, "train", rows), PredictConfig())
    assert len(members) == 3 and not np.allclose(members[0], members[1])
    cv = validate(digits, [result], ValidateConfig(bootstrap=10))
    assert cv.problem.predictions(cv.oof) == pytest.approx(np.mean(members, axis=0))
    assert cv.scores.plain == result.score


def test_one_is_kept_where_no_more_are_asked_for(digits, settings, tmp_path):
    result = train_fold(digits, 0, 0, settings(epochs=2), tmp_path)
    assert result.further == () and len(list(result.build_models())) == 1
