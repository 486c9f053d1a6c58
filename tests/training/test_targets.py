import numpy as np
import pytest
import torch

from goldfold.competition import Problem
from goldfold.training.targets import TargetCodec


def problem(task, metric="rmse", targets=("y",), classes=()):
    return Problem("p", "image", "id", targets, task, classes, metric, "value")


def test_a_regression_learns_standardised_values_and_predicts_in_their_unit():
    truth = np.array([10.0, 20.0, 60.0])
    codec = TargetCodec.fit(problem("regression"), truth, "auto")
    encoded = codec.encode(truth)
    assert encoded.shape == (3, 1) and encoded.mean().abs() < 1e-6 and encoded.std(correction=0) == pytest.approx(1)
    assert codec.decode(encoded) == pytest.approx(truth, rel=1e-5)


def test_under_a_log_metric_it_learns_logs_and_never_predicts_below_zero():
    truth = np.array([[1.0, 5.0], [1000.0, 5.0]])
    codec = TargetCodec.fit(problem("regression", "rmsle", ("u", "v")), truth, "auto")
    assert codec.log1p and codec.decode(codec.encode(truth)) == pytest.approx(truth, rel=1e-4)
    assert (codec.decode(torch.full((2, 2), -99.0)) == 0).all()


@pytest.mark.parametrize(
    ("task", "classes", "truth", "logits", "expected"),
    [
        ("binary", ("a", "b"), [0, 1], [[0.0], [100.0]], [0.5, 1.0]),
        ("multiclass", ("a", "b", "c"), [2, 0], [[0.0, 0.0, 0.0], [100.0, 0.0, 0.0]], [[1 / 3] * 3, [1, 0, 0]]),
        ("multilabel", (), [[0, 1], [1, 1]], [[0.0, 100.0], [100.0, 100.0]], [[0.5, 1], [1, 1]]),
    ],
)
def test_logits_become_probabilities(task, classes, truth, logits, expected):
    targets = ("u", "v") if task == "multilabel" else ("y",)
    codec = TargetCodec.fit(problem(task, "log_loss", targets, classes), np.array(truth), "auto")
    assert codec.decode(torch.tensor(logits)) == pytest.approx(np.array(expected))
    encoded = codec.encode(np.array(truth))
    assert encoded.dtype == (torch.int64 if task == "multiclass" else torch.float32)
    assert codec.outputs == len(logits[0])


def test_a_codec_survives_json():
    codec = TargetCodec.fit(problem("regression", "rmsle"), np.array([1.0, 2.0]), "auto")
    assert TargetCodec.from_json(codec.to_json()) == codec
