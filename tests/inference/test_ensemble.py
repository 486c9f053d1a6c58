"""One way from checkpoints to predictions: the same bits for out-of-fold rows, test rows and the same rows from outside."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.conftest import score_again

from goldfold.competition import read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import CompetitionConfig, PredictConfig, SplitConfig
from goldfold.errors import InputError
from goldfold.imports import modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.fold import predict_fold
from goldfold.inference.postprocess import Step
from goldfold.inference.pyfunc import Function
from goldfold.inference.sources import OutsideRows, PreparedRows
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.training import train_fold
from goldfold.training.reporter import Silent
from goldfold.training.trainer import make_trainer

pytestmark = pytest.mark.slow

FLIP = PredictConfig(average="logits", tta=({"name": "HorizontalFlip"},))
WEIGHTS = (Step("class_weights", {"weights": [9.0, *[1.0] * 9]}),)


@pytest.fixture(scope="module")
def competition(tmp_path_factory):
    """300 of the digits, read, and prepared in 3 folds."""
    root = tmp_path_factory.mktemp("digits")
    write_digits(root / "digits", root / "solution.csv")
    pd.read_csv(root / "digits/train.csv", dtype=str)[:300].to_csv(root / "digits/train.csv", index=False)
    read = read_competition(CompetitionConfig(path=str(root / "digits")))
    return read, prepare(read, SplitConfig(n_folds=3, folds=(0, 1, 2)), ImagePrepareConfig(), root / "prepared")[0]


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def ensemble(request, competition, settings, tmp_path_factory):
    """Two folds, each with two checkpoints, changed and unchanged rows, averages of logits, and post-processing."""
    config = settings(precision=request.param, keep_best=2, epochs=2)
    folds = [train_fold(competition[1], fold, 0, config, tmp_path_factory.mktemp("fold")) for fold in (0, 1)]
    return Ensemble(folds, FLIP, WEIGHTS)


def test_rows_from_outside_are_predicted_to_the_last_bit_as_the_test_set_is(competition, ensemble):
    read, prepared = competition
    outside = OutsideRows(modality_part("image", "outside").test_rows(read))
    assert np.array_equal(ensemble.predict(outside), ensemble.predict(PreparedRows(prepared, "test")))
    submission = predict(prepared, ensemble)
    assert np.array_equal(prepared.problem.predictions(submission.predictions), ensemble.predict(outside))
    # The MLflow model answers as the submission does, post-processed.
    answers = Function(ensemble).predict(outside.table[["image"]])
    assert list(answers["label"]) == list(submission.table["label"])
    plain = Function(Ensemble(ensemble.folds, FLIP)).predict(outside.table[["image"]])
    assert (answers["label"] != plain["label"]).any() and not outside.unreadable


def test_a_saved_ensemble_predicts_the_same_bits(competition, ensemble, tmp_path):
    ensemble.save(tmp_path)
    rows = PreparedRows(competition[1], "train", np.arange(7))
    loaded = Ensemble.load(tmp_path)
    assert (loaded.config, loaded.postprocess) == (FLIP, WEIGHTS)
    assert np.array_equal(loaded.predict(rows), ensemble.predict(rows))
    shutil.rmtree(tmp_path)
    with pytest.raises(InputError, match="there are no models of a run"):
        Ensemble.load(tmp_path)


def test_the_first_prediction_is_the_one_that_training_judged(competition, settings, tmp_path):
    _, prepared = competition
    config = settings(precision="bf16", epochs=1)
    trainer = make_trainer(prepared, 0, 0, config, Silent())
    result = train_fold(prepared, 0, 0, config, tmp_path)
    trainer.model.load_state_dict(result.weights)
    judged = trainer.judge(0)
    rows = PreparedRows(prepared, "train", prepared.validation_rows(0))
    assert np.array_equal(predict_fold(result, rows, PredictConfig())[0], judged.prediction)
    assert judged.score == result.score == score_again(prepared, result)


def test_a_fold_of_another_prepared_set_is_refused(competition, ensemble):
    another = replace(competition[1], fingerprint="another")
    with pytest.raises(InputError, match="was trained on another prepared set"):
        ensemble.predict(PreparedRows(another, "test"))
