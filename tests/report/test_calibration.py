import dataclasses

import numpy as np
import pytest

from goldfold.competition import Problem
from goldfold.report.calibration import claims, expected_calibration_error, reliability, wilson_interval

PROBLEM = Problem("p", "image", "id", ("y",), "multiclass", ("a", "b", "c"), "accuracy", "label")


def test_the_error_is_that_worked_out_by_hand():
    # Of five bins: 0.1 and 0.15 (one of two holds), 0.5 (it holds), 0.9 and 1.0 (one of two holds).
    bins = reliability(np.array([0.1, 0.15, 0.5, 0.9, 1.0]), np.array([0, 1, 1, 1, 0]), bins=5)
    assert bins["rows"].tolist() == [2, 1, 2] and bins["low"].tolist() == [0.0, 0.4, 0.8]
    assert bins["predicted"].tolist() == pytest.approx([0.125, 0.5, 0.95])
    assert bins["observed"].tolist() == [0.5, 1.0, 0.5]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.375 + 1 * 0.5 + 2 * 0.45) / 5)


def test_probabilities_that_come_true_have_almost_no_error():
    draws = np.random.default_rng(0)
    sure = draws.random(20_000)
    assert expected_calibration_error(reliability(sure, (draws.random(20_000) < sure).astype(int))) < 0.015


def test_the_interval_of_a_share_is_that_of_the_textbook():
    # Of 10 rows 9 (Agresti and Coull 1998 round these to 0.60 and 0.98), and all of 10: never beyond 1.
    low, high = wilson_interval(np.array([0.9, 1.0]), np.array([10, 10]))
    assert low == pytest.approx([0.5958, 0.7225], abs=1e-3) and high == pytest.approx([0.9821, 1.0], abs=1e-3)


def test_what_a_prediction_claims():
    probability = np.array([[0.2, 0.7, 0.1], [0.5, 0.3, 0.2]])
    sure, holds = claims(PROBLEM, np.array([1, 2]), probability)
    assert sure.tolist() == [0.7, 0.5] and holds.tolist() == [1, 0]
    votes, _ = claims(PROBLEM, np.array([[0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]), probability), None
    assert votes[1].tolist() == [1, 1]
    binary = dataclasses.replace(PROBLEM, task="binary", classes=("a", "b"))
    assert claims(binary, np.array([0, 1]), np.array([0.2, 0.4]))[1].tolist() == [0, 1]
    labels = dataclasses.replace(PROBLEM, task="multilabel", classes=(), targets=("u", "v"))
    sure, holds = claims(labels, np.array([[0, 1]]), np.array([[0.2, 0.9]]))
    assert sure.tolist() == [0.2, 0.9] and holds.tolist() == [0, 1]
