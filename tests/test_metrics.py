import numpy as np
import pytest
from sklearn import metrics as sklearn

from goldfold.errors import InputError
from goldfold.metrics import METRICS, find_metric

DRAWS = np.random.default_rng(0)
BINARY = DRAWS.integers(0, 2, 200)
P = np.clip(BINARY * 0.3 + DRAWS.random(200) * 0.7, 0, 1)
CLASSES = DRAWS.integers(0, 4, 200)
PROBABILITIES = DRAWS.dirichlet(np.ones(4), 200)
LABELS = DRAWS.integers(0, 2, (200, 3))
PL = DRAWS.random((200, 3))
HARD, ARGMAX = (P >= 0.5).astype(int), PROBABILITIES.argmax(axis=1)


@pytest.mark.parametrize(
    ("name", "task", "truth", "prediction", "expected"),
    [
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
        ("rmse", "regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 6]), 3**0.5),
        ("mae", "regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 6]), 1.0),
        ("rmsle", "regression", np.array([0.0, np.e - 1]), np.array([-5.0, 0.0]), 0.5**0.5),
        ("r2", "regression", np.array([1.0, 2, 3]), np.array([1.0, 2, 4]), 0.5),
    ],
)
def test_a_metric_agrees_with_scikit_learn_or_a_hand_worked_value(name, task, truth, prediction, expected):
    assert METRICS[name].score(task, truth, prediction) == pytest.approx(expected)


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


def test_a_metric_of_ones_own_is_an_import_path(tmp_path, monkeypatch):
    code = "from goldfold.metrics import Metric\nmine = Metric('mine', lambda t, p: 7.0, True, 'label', ('binary',))\nnone = 3\n"
    (tmp_path / "my_metrics.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    assert find_metric("my_metrics:mine", "binary").score("binary", BINARY, P) == 7.0
    with pytest.raises(InputError, match=r"is no goldfold.metrics.Metric"):
        find_metric("my_metrics:none")
    with pytest.raises(InputError, match="has no mien; did you mean mine"):
        find_metric("my_metrics:mien")
    with pytest.raises(InputError, match="there is no module no_such"):
        find_metric("no_such:mine")
