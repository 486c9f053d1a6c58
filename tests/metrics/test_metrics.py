import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sklearn

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.metrics import METRICS, find_metric

DRAWS = np.random.default_rng(0)
BINARY = DRAWS.integers(0, 2, 200)
P = np.clip(BINARY * 0.3 + DRAWS.random(200) * 0.7, 0, 1)
CLASSES = DRAWS.integers(0, 4, 200)
PROBABILITIES = DRAWS.dirichlet(np.ones(4), 200)
LABELS = DRAWS.integers(0, 2, (200, 3))
PL = DRAWS.random((200, 3))
SHARES = DRAWS.dirichlet(np.ones(4), 200)
VALUES, GUESSES = DRAWS.random((200, 2)) + 0.5, DRAWS.random((200, 2)) + 0.5
HARD, ARGMAX = (P >= 0.5).astype(int), PROBABILITIES.argmax(axis=1)


PLAIN = [
    ("accuracy", "binary", BINARY, P, sklearn.accuracy_score(BINARY, HARD)),
    ("accuracy", "multiclass", CLASSES, PROBABILITIES, sklearn.accuracy_score(CLASSES, ARGMAX)),
    ("roc_auc", "binary", BINARY, P, sklearn.roc_auc_score(BINARY, P)),
    ("roc_auc", "multiclass", CLASSES, PROBABILITIES, sklearn.roc_auc_score(CLASSES, PROBABILITIES, multi_class="ovr")),
    ("roc_auc", "multilabel", LABELS, PL, np.mean([sklearn.roc_auc_score(LABELS[:, i], PL[:, i]) for i in range(3)])),
    ("log_loss", "binary", BINARY, P, sklearn.log_loss(BINARY, P)),
    ("log_loss", "multiclass", CLASSES, PROBABILITIES, sklearn.log_loss(CLASSES, PROBABILITIES)),
    ("log_loss", "multilabel", LABELS, PL, np.mean([sklearn.log_loss(LABELS[:, i], PL[:, i]) for i in range(3)])),
    ("f1", "binary", BINARY, P, sklearn.f1_score(BINARY, HARD)),
    ("f1_macro", "multiclass", CLASSES, PROBABILITIES, sklearn.f1_score(CLASSES, ARGMAX, average="macro")),
    ("f1_micro", "multilabel", LABELS, PL, sklearn.f1_score(LABELS, PL >= 0.5, average="micro")),
    (
        "quadratic_weighted_kappa",
        "multiclass",
        CLASSES,
        PROBABILITIES,
        sklearn.cohen_kappa_score(CLASSES, ARGMAX, weights="quadratic"),
    ),
    ("balanced_accuracy", "multiclass", CLASSES, PROBABILITIES, sklearn.balanced_accuracy_score(CLASSES, ARGMAX)),
    ("mcc", "multiclass", CLASSES, PROBABILITIES, sklearn.matthews_corrcoef(CLASSES, ARGMAX)),
    ("f1_samples", "multilabel", LABELS, PL, sklearn.f1_score(LABELS, PL >= 0.5, average="samples", zero_division=1)),
    ("linear_weighted_kappa", "binary", BINARY, P, sklearn.cohen_kappa_score(BINARY, HARD, weights="linear")),
    ("cohen_kappa", "multiclass", CLASSES, PROBABILITIES, sklearn.cohen_kappa_score(CLASSES, ARGMAX)),
    ("average_precision", "binary", BINARY, P, sklearn.average_precision_score(BINARY, P)),
    ("average_precision", "multilabel", LABELS, PL, sklearn.average_precision_score(LABELS, PL)),
    ("brier", "binary", BINARY, P, sklearn.brier_score_loss(BINARY, P)),
    ("brier", "multiclass", CLASSES, PROBABILITIES, np.square(PROBABILITIES - np.eye(4)[CLASSES]).sum(axis=1).mean()),
    ("log_loss", "multiclass", SHARES, PROBABILITIES, -(SHARES * np.log(PROBABILITIES)).sum(axis=1).mean()),
    ("accuracy", "multiclass", SHARES, PROBABILITIES, (SHARES.argmax(axis=1) == ARGMAX).mean()),
    ("kl_divergence", "multiclass", SHARES, PROBABILITIES, (SHARES * np.log(SHARES / PROBABILITIES)).sum(axis=1).mean()),
    ("top_k_accuracy", "multiclass", CLASSES, PROBABILITIES, 1.0),
    ("label_ranking_average_precision", "multilabel", LABELS, PL, sklearn.label_ranking_average_precision_score(LABELS, PL)),
    ("gini", "binary", BINARY, P, 2 * sklearn.roc_auc_score(BINARY, P) - 1),
    ("rmse", "regression", VALUES, GUESSES, sklearn.root_mean_squared_error(VALUES, GUESSES)),
    ("mcrmse", "regression", VALUES, GUESSES, np.mean([np.sqrt(np.mean((VALUES - GUESSES)[:, i] ** 2)) for i in range(2)])),
    ("mae", "regression", VALUES, GUESSES, sklearn.mean_absolute_error(VALUES, GUESSES)),
    ("mape", "regression", VALUES, GUESSES, sklearn.mean_absolute_percentage_error(VALUES, GUESSES)),
    ("msle", "regression", VALUES, GUESSES, sklearn.mean_squared_log_error(VALUES, GUESSES)),
    ("rmsle", "regression", VALUES, GUESSES, sklearn.root_mean_squared_log_error(VALUES, GUESSES)),
    ("r2", "regression", VALUES, GUESSES, sklearn.r2_score(VALUES, GUESSES)),
    ("pearson", "regression", VALUES[:, 0], GUESSES[:, 0], np.corrcoef(VALUES[:, 0], GUESSES[:, 0])[0, 1]),
    ("spearman", "regression", np.array([1.0, 2, 3, 4]), np.array([10.0, 20, 90, 30]), 0.8),
    ("rmspe", "regression", np.array([2.0, 0, 4]), np.array([1.0, 9, 4]), np.sqrt(1 / 8)),
    ("smape", "regression", np.array([1.0, 0, 2]), np.array([3.0, 0, 2]), 100 / 3),
    ("rmse", "regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 6]), 3**0.5),
    ("mae", "regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 6]), 1.0),
    ("rmsle", "regression", np.array([0.0, np.e - 1]), np.array([-5.0, 0.0]), 0.5**0.5),
    ("r2", "regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), 0.5),
]


@pytest.mark.parametrize(("name", "task", "truth", "prediction", "expected"), PLAIN)
def test_a_metric_agrees_with_scikit_learn_or_a_hand_worked_value(name, task, truth, prediction, expected):
    assert METRICS[name].score(task, truth, prediction) == pytest.approx(expected)


GIVEN = [
    ("fbeta", "binary", BINARY, P, {"beta": 2, "average": "binary"}, sklearn.fbeta_score(BINARY, HARD, beta=2)),
    (
        "fbeta",
        "multilabel",
        LABELS,
        PL,
        {"beta": 0.5, "average": "macro"},
        sklearn.fbeta_score(LABELS, PL >= 0.5, beta=0.5, average="macro"),
    ),
    ("roc_auc", "multilabel", LABELS, PL, {"average": "micro"}, sklearn.roc_auc_score(LABELS.ravel(), PL.ravel())),
    ("roc_auc", "binary", BINARY, P, {"sample_weight": P + 1}, sklearn.roc_auc_score(BINARY, P, sample_weight=P + 1)),
    ("log_loss", "binary", BINARY, P, {"sample_weight": P + 1}, sklearn.log_loss(BINARY, P, sample_weight=P + 1)),
    ("accuracy", "binary", BINARY, P, {"sample_weight": P}, sklearn.accuracy_score(BINARY, HARD, sample_weight=P)),
    ("top_k_accuracy", "multiclass", CLASSES, PROBABILITIES, {"k": 2}, sklearn.top_k_accuracy_score(CLASSES, PROBABILITIES)),
    ("top_k_error", "multiclass", CLASSES, PROBABILITIES, {"k": 1}, 1 - sklearn.accuracy_score(CLASSES, ARGMAX)),
    # The right classes come first, second and third: 1, 1/2 and, beyond k, 0.
    ("map_at_k", "multiclass", np.array([0, 0, 0]), np.array([[9, 1, 2], [5, 9, 1], [1, 8, 9]]), {"k": 2}, 0.5),
    # Of two labels the first is found at the second place, (1/2) / 2; of three at most two can be found.
    (
        "map_at_k",
        "multilabel",
        np.array([[1, 0, 1], [1, 1, 1]]),
        np.array([[8.0, 9, 1], [9, 8, 7]]),
        {"k": 2},
        (1 / 4 + 1) / 2,
    ),
    # Labels at places 1, 2 and 1 of 1 and 2 labels: precisions 1, 1 (both labels), and 1/2.
    (
        "lwlrap",
        "multilabel",
        np.array([[1, 1, 0], [0, 0, 1], [0, 0, 0]]),
        np.array([[3, 2, 1], [1, 9, 8], [1, 2, 3]]),
        {},
        5 / 6,
    ),
    # The class of weight 3 has a log loss of log 2, the other of log 4.
    (
        "balanced_log_loss",
        "binary",
        np.array([0, 1, 1]),
        np.array([0.75, 0.5, 0.5]),
        {"class_weights": [1, 3]},
        np.log(2) * 1.25,
    ),
    # One row, weights 7 (label there: 14) and 1: (14 log 2 + 1 log 4) / 15.
    (
        "weighted_log_loss",
        "multilabel",
        np.array([[1, 0]]),
        np.array([[0.5, 0.75]]),
        {"label_weights": [7, 1], "positive_weight": 2},
        (14 * np.log(2) + np.log(4)) / 15,
    ),
    # pTP 0.9, pFP 0.3, one positive: precision 0.75, recall 0.9.
    ("probabilistic_f1", "binary", np.array([1, 0]), np.array([0.9, 0.3]), {}, 2 * 0.75 * 0.9 / 1.65),
    # The curve runs (0, 0), (0, 1/2), (1/2, 1/2), (1/2, 1), (1, 1): (0.8 + 0.1 + 0.5 / 2) / 1.4.
    ("weighted_roc_auc", "binary", np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1]), {}, 1.15 / 1.4),
    ("group_log_mae", "regression", np.zeros(3), np.array([1, 3, 10.0]), {"group": np.array(list("aab"))}, np.log(20) / 2),
    # A right angle in azimuth at the equator, and the same direction.
    ("angular_error", "regression", np.array([[0, np.pi / 2], [1, 1]]), np.array([[np.pi / 2] * 2, [1, 1]]), {}, np.pi / 4),
    # One degree of latitude is 111194.9 m; distances 0 and that, in groups of their own.
    (
        "haversine_percentiles",
        "regression",
        np.zeros((2, 2)),
        np.array([[0, 0], [1, 0.0]]),
        {"group": np.arange(2)},
        55597.46,
    ),
    ("haversine_percentiles", "regression", np.zeros((2, 2)), np.array([[0, 0], [1, 0.0]]), {}, 111194.93 * (0.5 + 0.95) / 2),
    # An error of 100 with a confidence of 100, and one of 1000 at most with one of 70 at least.
    (
        "laplace_log_likelihood",
        "regression",
        np.zeros(2),
        np.array([[100.0, 100], [5000, 1]]),
        {},
        -(2**0.5 + np.log(100 * 2**0.5) + 2**0.5 * 1000 / 70 + np.log(70 * 2**0.5)) / 2,
    ),
]


@pytest.mark.parametrize(("name", "task", "truth", "prediction", "arguments", "expected"), GIVEN)
def test_a_metric_with_arguments(name, task, truth, prediction, arguments, expected):
    assert METRICS[name].score(task, truth, prediction, **arguments) == pytest.approx(expected, rel=1e-5)


def test_every_metric_is_tested():
    of_masks = {name for name, metric in METRICS.items() if metric.needs == "mask"}
    assert set(METRICS) == {case[0] for case in [*PLAIN, *GIVEN]} | {"bias_auc"} | of_masks


def test_weighted_auc_without_weights_is_auc():
    score = METRICS["weighted_roc_auc"].score("binary", BINARY, P, weights=(1, 1))
    assert score == pytest.approx(sklearn.roc_auc_score(BINARY, P))


def test_bias_auc_is_the_mean_of_the_auc_and_three_means_over_subgroups():
    member = (DRAWS.random((200, 2)) < 0.4).astype(float)
    member[:20] = np.nan
    parts = []
    for column in np.nan_to_num(member).T:
        inside, positive = column == 1, BINARY == 1
        for rows in (inside, (inside & ~positive) | (~inside & positive), (inside & positive) | (~inside & ~positive)):
            parts.append(sklearn.roc_auc_score(BINARY[rows], P[rows]))
    means = [np.mean(np.array(parts)[at::3] ** -5.0) ** (-1 / 5) for at in range(3)]
    expected = np.mean([sklearn.roc_auc_score(BINARY, P), *means])
    assert METRICS["bias_auc"].score("binary", BINARY, P, subgroups=member) == pytest.approx(expected)
    assert METRICS["bias_auc"].score("regression", BINARY * 0.6, P, subgroups=member) == pytest.approx(expected)
    assert np.isnan(METRICS["bias_auc"].score("binary", BINARY, P, subgroups=np.zeros((200, 1))))


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_told_in_full(name):
    metric = METRICS[name]
    assert metric.function.__doc__ and metric.name == name and metric.tasks
    assert set(metric.columns) <= set(metric.parameters)


@pytest.mark.parametrize(
    ("name", "task", "truth", "prediction"),
    [
        ("average_precision", "multilabel", np.array([[0, 1], [0, 0]]), np.full((2, 2), 0.5)),
        ("weighted_roc_auc", "binary", np.zeros(3, int), np.full(3, 0.5)),
        ("probabilistic_f1", "binary", np.zeros(3, int), np.full(3, 0.5)),
        ("lwlrap", "multilabel", np.zeros((3, 2), int), np.full((3, 2), 0.5)),
        ("quadratic_weighted_kappa", "multiclass", np.zeros(3, int), np.eye(3)[[0, 0, 0]]),
        ("pearson", "regression", np.ones(3), np.arange(3.0)),
        ("spearman", "regression", np.arange(3.0), np.ones(3)),
        ("mape", "regression", np.array([0.0, 1]), np.array([1.0, 1])),
        ("gini", "regression", np.ones(3), np.arange(3.0)),
    ],
)
def test_where_a_metric_is_undefined_it_is_nan(name, task, truth, prediction):
    assert np.isnan(METRICS[name].score(task, truth, prediction))


def test_a_certain_wrong_probability_costs_what_kaggle_says():
    score = METRICS["log_loss"].score("binary", np.array([1, 0]), np.array([0.0, 0.0]))
    assert score == pytest.approx(-np.log(1e-15) / 2)


@pytest.mark.parametrize(("task", "truth"), [("binary", np.ones(4, int)), ("multilabel", np.array([[1, 0], [1, 1]]))])
def test_auc_of_one_class_is_undefined(task, truth):
    assert np.isnan(METRICS["roc_auc"].score(task, truth, np.full(truth.shape, 0.5)))


def test_better_follows_the_direction():
    assert METRICS["accuracy"].better(0.9, than=0.8) and not METRICS["accuracy"].better(0.8, than=0.8)
    assert METRICS["log_loss"].better(0.1, than=0.2)


def test_an_unknown_metric_names_its_nearest():
    with pytest.raises(InputError, match="did you mean roc_auc"):
        find_metric("roc_acu")


def test_a_metric_must_fit_the_task():
    with pytest.raises(InputError, match="rmse does not score a binary task"):
        find_metric("rmse", "binary")


REGRESSION = Problem("p", "image", "id", ("u", "v"), "regression", (), "rmse", "value")
TABLE = pd.DataFrame({"out": [0, 1, 0], "weight": [1.0, 5.0, 3.0]})


@pytest.mark.parametrize(
    ("metric", "args", "expected"),
    [
        ("mae", {}, (1 + 2 + 3 + 10 + 20 + 30) / 6),
        ("mae", {"mask": "out", "keep": 0}, (1 + 3 + 10 + 30) / 4),
        ("mae", {"mask": "out"}, 11),
        ("mae", {"targets": ["v"]}, 20),
        ("mae", {"mask": "out", "keep": 0, "targets": ["u"], "sample_weight": "weight"}, (1 + 3 * 3) / 4),
    ],
)
def test_rows_targets_and_weights_are_those_that_the_arguments_name(metric, args, expected):
    problem = dataclasses.replace(REGRESSION, metric=metric, metric_args=args)
    prediction = np.array([[1.0, 10], [2, 20], [3, 30]])
    assert problem.score(np.zeros((3, 2)), prediction, TABLE) == pytest.approx(expected)
    assert set(problem.columns) >= {args[name] for name in ("mask", "sample_weight") if name in args}


def test_a_mask_that_keeps_no_row_leaves_the_metric_undefined():
    problem = dataclasses.replace(REGRESSION, metric_args={"mask": "out", "keep": 9})
    assert np.isnan(problem.score(np.zeros((3, 2)), np.zeros((3, 2)), TABLE))


@pytest.mark.parametrize(
    ("args", "table", "message"),
    [
        ({"mask": "gone"}, TABLE, "rmse needs the column gone, which the scored rows"),
        ({"mask": "out"}, None, "rmse needs the column out"),
        ({"targets": ["w"]}, TABLE, "there is no w"),
    ],
)
def test_columns_and_targets_that_are_not_there_are_reported(args, table, message):
    with pytest.raises(InputError, match=message):
        dataclasses.replace(REGRESSION, metric_args=args).score(np.zeros((3, 2)), np.zeros((3, 2)), table)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("rmse", {"msk": "x"}, "rmse takes no msk; did you mean mask?"),
        ("group_log_mae", {}, "group_log_mae needs group, which names columns of the table"),
        ("rmse", {"keep": 1}, "keep without mask"),
    ],
)
def test_arguments_that_a_metric_does_not_take_are_reported(name, arguments, message):
    with pytest.raises(InputError) as caught:
        find_metric(name, "regression", arguments)
    assert message in str(caught.value)


def test_a_metric_of_ones_own_is_an_import_path(own_code):
    code = "from goldfold.metrics import Metric\nmine = Metric('mine', lambda t, p: 7.0, True, 'label', ('binary',))\nnone = 3\n"
    (own_code / "my_metrics.py").write_text(code)
    assert find_metric("own.my_metrics:mine", "binary").score("binary", BINARY, P) == 7.0
    with pytest.raises(InputError, match=r"is not a goldfold.metrics.Metric"):
        find_metric("own.my_metrics:none")
    with pytest.raises(InputError, match="has no mien; did you mean mine"):
        find_metric("own.my_metrics:mien")
    with pytest.raises(InputError, match=r"there is no module own\.no_such"):
        find_metric("own.no_such:mine")
