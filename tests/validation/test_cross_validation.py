import dataclasses

import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.config import PredictConfig, ValidateConfig
from goldfold.errors import InputError
from goldfold.inference.fold import predict_fold
from goldfold.inference.sources import PreparedRows
from goldfold.training import train_fold
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import validate
from goldfold.validation.plots import plot_errors
from goldfold.validation.uncertainty import bootstrap_interval

CONFIG = ValidateConfig(bootstrap=50, worst=5)


@pytest.fixture(scope="module")
def folds(digits, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    return [train_fold(digits, fold, 0, settings(epochs=3, lr=0.01), folder / str(fold)) for fold in (0, 2)]


@pytest.fixture(scope="module")
def result(digits, folds):
    return validate(digits, folds, CONFIG)


def test_each_validation_row_is_predicted_once_by_the_model_that_never_saw_it(digits, folds, result):
    expected = np.sort(np.concatenate([digits.validation_rows(0), digits.validation_rows(2)]))
    assert list(result.oof["row"]) == list(expected)
    assert (digits.folds[result.oof["row"]] == result.oof["fold"]).all()
    assert list(result.oof["id"]) == list(digits.train["id"].iloc[expected])


def test_the_folds_scores_are_those_of_their_checkpoints(folds, result):
    assert result.scores.folds == {fold.fold: fold.score for fold in folds}
    accuracy = (result.problem.predictions(result.oof).argmax(axis=1) == result.problem.truth(result.oof)).mean()
    assert result.scores.score == accuracy
    assert result.scores.low <= accuracy <= result.scores.high


def test_the_worst_errors_are_the_worst(result):
    prediction, truth = result.problem.predictions(result.oof), result.problem.truth(result.oof)
    losses = -np.log(prediction[np.arange(len(truth)), truth])
    assert list(result.worst["loss"]) == pytest.approx(sorted(losses, reverse=True)[:5])


def test_a_checkpoint_that_does_not_bear_its_score_is_refused(digits, folds):
    with pytest.raises(InputError, match="fold 0 scored"):
        validate(digits, [dataclasses.replace(folds[0], score=folds[0].score + 0.01)], CONFIG)
    other = {name: tensor * 0 if name.endswith("fc.weight") else tensor for name, tensor in folds[0].weights.items()}
    with pytest.raises(InputError, match="train it again"):
        validate(digits, [dataclasses.replace(folds[0], weights=other)], CONFIG)


def test_rows_are_predicted_out_of_fold_as_the_test_set_will_be(digits, folds, result):
    flipped = PredictConfig(tta=({"name": "HorizontalFlip"},))
    averaged = validate(digits, folds, CONFIG, flipped)
    assert averaged.scores.plain == result.scores.score and result.scores.plain is None
    by_hand = predict_fold(folds[0], PreparedRows(digits, "train", digits.validation_rows(0)), flipped)
    here = averaged.oof["fold"] == 0
    assert averaged.problem.predictions(averaged.oof[here]) == pytest.approx(np.mean(by_hand, axis=0), abs=1e-9)
    assert len(by_hand) == 2 and not np.allclose(*by_hand)
    with pytest.raises(InputError, match=r"cannot score the ranks of multiclass predictions.*\n.*predict.average: logits"):
        validate(digits, folds, CONFIG, PredictConfig(average="ranks"))


def test_a_fold_of_another_prepared_set_is_refused(digits, folds):
    with pytest.raises(InputError, match="another prepared set"):
        validate(dataclasses.replace(digits, fingerprint="other"), folds, CONFIG)


def test_what_was_saved_is_loaded(result, tmp_path):
    result.save(tmp_path)
    loaded = CVResult.load(tmp_path, result.problem)
    assert loaded.scores == result.scores
    pd.testing.assert_frame_equal(loaded.oof, result.oof)
    assert (tmp_path / "errors.png").read_bytes()[:4] == b"\x89PNG"


BINARY = Problem("p", "image", "id", ("y",), "binary", ("a", "b"), "accuracy", "label")


def test_the_interval_narrows_with_rows_and_is_the_same_each_time():
    draws = np.random.default_rng(0)
    widths = []
    for rows in (50, 5000):
        truth = draws.integers(0, 2, rows)
        prediction = np.where(draws.random(rows) < 0.8, truth, 1 - truth).astype(float)
        low, high = bootstrap_interval(BINARY, truth, prediction, 200, 0.95)
        assert (low, high) == bootstrap_interval(BINARY, truth, prediction, 200, 0.95)
        assert low < BINARY.score(truth, prediction) < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 5
    # The normal approximation: 2 x 1.96 x sqrt(0.8 x 0.2 / 5000).
    assert widths[1] == pytest.approx(0.0222, rel=0.25)


def test_rows_of_a_group_widen_the_interval_as_if_they_were_one():
    draws = np.random.default_rng(0)
    truth = draws.integers(0, 2, 200)
    prediction = np.where(draws.random(200) < 0.8, truth, 1 - truth).astype(float)
    groups = np.repeat(np.arange(200), 10)
    alone = bootstrap_interval(BINARY, truth, prediction, 300, 0.95)
    by_row = bootstrap_interval(BINARY, truth[groups], prediction[groups], 300, 0.95)
    by_group = bootstrap_interval(BINARY, truth[groups], prediction[groups], 300, 0.95, groups=groups)
    assert np.ptp(by_group) == pytest.approx(np.ptp(alone), rel=0.15)
    assert np.ptp(by_group) == pytest.approx(10**0.5 * np.ptp(by_row), rel=0.25)


def test_the_interval_is_that_of_the_groups_which_the_split_kept_together(digits, folds, result, tmp_path):
    pairs = dataclasses.replace(digits, train=digits.train.assign(writer=np.arange(len(digits.train)) // 20))
    grouped = validate(pairs, folds, CONFIG, group="writer")
    assert grouped.scores.score == result.scores.score and result.scores.groups is None
    assert grouped.scores.groups == pairs.train["writer"].iloc[result.oof["row"]].nunique()
    assert (grouped.scores.low, grouped.scores.high) != (result.scores.low, result.scores.high)
    grouped.save(tmp_path)
    assert CVResult.load(tmp_path, result.problem).scores == grouped.scores


def test_resamples_of_one_class_do_not_count():
    auc = dataclasses.replace(BINARY, metric="roc_auc")
    low, high = bootstrap_interval(auc, np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.3, 0.9]), 100, 0.95)
    assert (low, high) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("task", "targets", "classes", "truth"),
    [
        ("binary", ("y",), ("a", "b"), {"y": ["a", "b", "a"]}),
        ("multiclass", ("y",), tuple(f"c{n}" for n in range(40)), {"y": ["c1", "c2", "c39"]}),
        ("multilabel", ("u", "v"), (), {"u": [0, 1, 1], "v": [1, 1, 0]}),
        ("regression", ("y",), (), {"y": [1.0, 2.0, 3.0]}),
    ],
)
def test_every_task_has_its_picture(tmp_path, task, targets, classes, truth):
    problem = Problem("p", "image", "id", targets, task, classes, "rmsle" if task == "regression" else "accuracy", "label")
    outputs = problem.table(np.full((3, len(problem.outputs)), 0.4))
    plot_errors(problem, pd.concat([pd.DataFrame(truth), outputs], axis=1), tmp_path / "errors.png")
    assert (tmp_path / "errors.png").read_bytes()[:4] == b"\x89PNG"
