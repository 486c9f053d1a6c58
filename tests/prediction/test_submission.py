import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from goldfold.competition import Problem
from goldfold.config import PredictConfig
from goldfold.errors import InputError
from goldfold.inference.averaging import average, require_averaged
from goldfold.inference.ensemble import Ensemble
from goldfold.modalities.image.cache import ImageCache
from goldfold.prediction import Submission, check_submission, score_submission
from goldfold.prediction.test_set import predict
from goldfold.training import train_fold

IDS = ["007", "1e3", "x"]
BINARY = Problem("p", "image", "id", ("y",), "binary", ("False", "True"), "roc_auc", "probability")
CLASSES = Problem("p", "image", "id", ("y",), "multiclass", ("01", "b", "c"), "log_loss", "probability")
LABELS = Problem("p", "image", "id", ("u", "v"), "multilabel", (), "roc_auc", "probability")
VALUE = Problem("p", "image", "id", ("y",), "regression", (), "rmse", "value")
THREE = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.2, 0.5, 0.3]])


def submission(problem, prediction, columns):
    sample = pd.DataFrame({"ID": IDS, **dict.fromkeys(columns, "0")}, dtype="str")
    return Submission(problem, sample, pd.concat([pd.DataFrame({"id": IDS}), problem.table(np.array(prediction))], axis=1))


def test_labels_are_written_as_training_writes_them(tmp_path):
    labels = dataclasses.replace(CLASSES, metric="accuracy", answer="label")
    submission(labels, THREE, ["y"]).save(tmp_path)
    assert (tmp_path / "submission.csv").read_text() == "ID,y\n007,01\n1e3,c\nx,b\n"
    words = dataclasses.replace(BINARY, metric="accuracy", answer="label")
    submission(words, [0.2, 0.5, 0.9], ["y"]).save(tmp_path)
    assert (tmp_path / "submission.csv").read_text() == "ID,y\n007,False\n1e3,True\nx,True\n"


def test_class_columns_keep_the_order_of_the_sample(tmp_path):
    submission(CLASSES, THREE, ["c", "01", "b"]).save(tmp_path)
    table = pd.read_csv(tmp_path / "submission.csv")
    assert list(table.columns) == ["ID", "c", "01", "b"]
    assert list(table["c"]) == [0.1, 0.8, 0.3] and list(table["01"]) == [0.7, 0.1, 0.2]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda t: t[["ID", "b", "01", "c"]], "its columns are ID, b, 01, c"),
        (lambda t: t[:2], "id x of the sample is missing"),
        (lambda t: pd.concat([t, t[:1]]), "id 007 appears twice"),
        (lambda t: t.assign(ID=["007", "1e3", "y"]), "id y is not in the sample"),
        (lambda t: t.assign(b=["", "0.1", "0.5"]), "id 007: b is ''"),
        (lambda t: t.assign(b=["inf", "0.1", "0.5"]), "id 007: b is 'inf'"),
        (lambda t: t.assign(b=["1.2", "0.1", "0.5"]), "b is 1.2, no probability"),
        (lambda t: t.assign(b=["0.9", "0.1", "0.5"]), "id 007: its probabilities sum to 1.7000"),
    ],
)
def test_every_breach_of_the_contract_is_found(tmp_path, change, told):
    good = submission(CLASSES, THREE, ["01", "b", "c"])
    path = tmp_path / "s.csv"
    good.table.astype(str).to_csv(path, index=False)
    check_submission(path, good.sample, CLASSES)
    change(good.table.astype(str)).to_csv(path, index=False)
    with pytest.raises(InputError) as caught:
        check_submission(path, good.sample, CLASSES)
    assert told in str(caught.value)


def test_an_unknown_label_is_a_breach(tmp_path):
    labels = dataclasses.replace(BINARY, metric="accuracy", answer="label")
    path = tmp_path / "s.csv"
    path.write_text("ID,y\n007,True\n1e3,0\nx,True\n")
    with pytest.raises(InputError, match="id 1e3: y is '0', not one of the labels"):
        check_submission(path, submission(labels, [0, 0, 0], ["y"]).sample, labels)


def test_a_breach_leaves_no_submission(tmp_path):
    with pytest.raises(InputError):
        submission(VALUE, [1.0, np.nan, 2.0], ["y"]).save(tmp_path)
    assert not (tmp_path / "submission.csv").exists()


@pytest.mark.parametrize(
    ("problem", "prediction", "columns", "truth", "expected"),
    [
        (BINARY, [0.1, 0.9, 0.4], ["y"], {"y": ["False", "True", "False"]}, 1.0),
        (dataclasses.replace(CLASSES, metric="accuracy", answer="label"), THREE, ["y"], {"y": ["01", "c", "c"]}, 2 / 3),
        (CLASSES, THREE, ["c", "b", "01"], {"y": ["01", "c", "b"]}, -np.log([0.7, 0.8, 0.5]).mean()),
        (LABELS, [[0.1, 0.9], [0.8, 0.2], [0.9, 0.1]], ["v", "u"], {"u": [0, 1, 1], "v": [1, 0, 0]}, 1.0),
        (VALUE, [1.0, 2.0, 3.0], ["y"], {"y": [1.0, 2.0, 6.0]}, 3**0.5),
    ],
)
def test_a_submission_is_scored_by_id_and_not_by_place(tmp_path, problem, prediction, columns, truth, expected):
    submission(problem, prediction, columns).save(tmp_path)
    solution = pd.DataFrame({"id": IDS, **truth}).iloc[[2, 0, 1]].reset_index(drop=True)
    assert score_submission(tmp_path / "submission.csv", solution, problem) == pytest.approx(expected)


def test_a_solution_with_other_ids_is_told(tmp_path):
    submission(VALUE, [1.0, 2.0, 3.0], ["y"]).save(tmp_path)
    with pytest.raises(InputError, match="no answer for 1 ids"):
        score_submission(tmp_path / "submission.csv", pd.DataFrame({"id": ["z"], "y": [1.0]}), VALUE)


def test_folds_are_averaged():
    folds = np.array([[0.2, 0.9], [0.8, 0.9]])
    assert average(BINARY, folds, "predictions") == pytest.approx([0.5, 0.9])
    assert average(BINARY, folds, "logits") == pytest.approx([0.5, 0.9])
    classes = np.array([[[0.9, 0.05, 0.05]], [[0.4, 0.4, 0.2]]])
    product = np.sqrt([0.9 * 0.4, 0.05 * 0.4, 0.05 * 0.2])
    assert average(CLASSES, classes, "logits")[0] == pytest.approx(product / product.sum())
    assert average(VALUE, np.array([[1.0], [3.0]])) == pytest.approx([2.0])
    assert average(BINARY, np.array([[0.2, 0.9, 0.3], [0.1, 0.2, 0.9]]), "ranks") == pytest.approx([1 / 6, 4 / 6, 4 / 6])


def test_values_stay_within_the_bounds_of_the_target_and_probabilities_have_none():
    values = np.array([[-3.0, 50.0, 130.0], [1.0, 60.0, 110.0]])
    assert average(VALUE, values, clip=(1, 100)) == pytest.approx([1.0, 55.0, 100.0])
    fold = SimpleNamespace(codec=SimpleNamespace(problem=VALUE))
    assert Ensemble([fold], PredictConfig(clip=(1, 100))).average(list(values)) == pytest.approx([1.0, 55.0, 100.0])
    with pytest.raises(InputError, match=r"predict\.clip: bounds are for the values of a regression"):
        require_averaged(BINARY, pd.DataFrame(), np.array([0.5]), PredictConfig(clip=(0, 1)))
    with pytest.raises(ValidationError, match="the lower bound first: \\[1, 100\\]"):
        PredictConfig(clip=(100, 1))


@pytest.mark.slow
def test_the_test_set_is_predicted_by_every_fold_in_the_order_of_the_sample(digits, settings, tmp_path):
    folds = [train_fold(digits, fold, 0, settings(epochs=1), tmp_path / str(fold)) for fold in (0, 1)]
    config = PredictConfig()
    both = predict(digits, Ensemble(folds, config))
    each = [digits.problem.predictions(predict(digits, Ensemble([fold], config)).predictions) for fold in folds]
    assert digits.problem.predictions(both.predictions) == pytest.approx((each[0] + each[1]) / 2)
    assert list(both.table["id"]) == list(digits.sample["id"])
    both.save(tmp_path / "out")
    assert Submission.load(tmp_path / "out", digits.problem, digits.sample).table.equals(both.table)


@pytest.mark.slow
def test_test_time_augmentation_averages_the_row_as_it_is_and_changed(digits, settings, tmp_path, monkeypatch):
    fold = train_fold(digits, 0, 0, settings(epochs=1), tmp_path)
    plain, flipped = (
        digits.problem.predictions(predict(digits, Ensemble([fold], PredictConfig(tta=tta))).predictions)
        for tta in ((), ({"name": "HorizontalFlip", "p": 0.0},))
    )
    monkeypatch.setattr(ImageCache, "__getitem__", lambda *given, original=ImageCache.__getitem__: original(*given)[:, ::-1])
    alone = digits.problem.predictions(predict(digits, Ensemble([fold], PredictConfig())).predictions)
    monkeypatch.undo()
    assert flipped == pytest.approx((plain + alone) / 2, abs=1e-6) and not np.allclose(plain, alone)
    with pytest.raises(InputError, match=r"predict.tta.0: albumentations.HorizontalFlip refused"):
        predict(digits, Ensemble([fold], PredictConfig(tta=({"name": "HorizontalFlip", "often": 1},))))


def score(problem, prediction, columns, truth, tmp_path):
    path = tmp_path / "s.csv"
    submission(problem, prediction, columns).table.to_csv(path, index=False)
    return score_submission(path, pd.DataFrame({"id": IDS, "y": truth}), problem)


def test_a_row_of_a_class_that_training_never_saw_is_wrong_and_the_others_are_scored(tmp_path):
    truth = ["01", "new", "b"]
    labels = dataclasses.replace(CLASSES, metric="accuracy", answer="label")
    assert score(labels, THREE, ["y"], truth, tmp_path) == pytest.approx(2 / 3)
    classes = ["01", "b", "c"]
    expected = -(np.log(0.7) + np.log(1e-15) + np.log(0.5)) / 3
    assert score(CLASSES, THREE, classes, truth, tmp_path) == pytest.approx(expected)
    recall = dataclasses.replace(CLASSES, metric="balanced_accuracy")
    assert score(recall, THREE, classes, truth, tmp_path) == pytest.approx(2 / 3)
    words = dataclasses.replace(BINARY, metric="log_loss")
    expected = -(np.log(0.8) + np.log(1e-15) + np.log(0.9)) / 3
    assert score(words, [0.2, 0.5, 0.9], ["y"], ["False", "new", "True"], tmp_path) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "arguments"),
    [("quadratic_weighted_kappa", {}), ("balanced_log_loss", {"class_weights": [1, 2, 3]}), ("fbeta", {"average": "binary"})],
)
def test_a_metric_that_is_undefined_for_an_unseen_class_says_so(tmp_path, metric, arguments):
    problem = dataclasses.replace(CLASSES, metric=metric, metric_args=arguments)
    with pytest.raises(InputError, match=rf"(?s){metric} is undefined for labels that training has not seen: 1\n  new"):
        score(problem, THREE, ["01", "b", "c"], ["01", "new", "b"], tmp_path)


def test_an_unseen_label_of_a_set_counts_as_one_that_was_not_predicted(tmp_path):
    sets = Problem("p", "image", "id", ("y",), "multilabel", ("a", "b"), "f1_macro", "set")
    prediction = [[0.9, 0.1], [0.9, 0.9], [0.1, 0.9]]
    assert score(sets, prediction, ["y"], ["a", "a b", "b new"], tmp_path) == pytest.approx(2 / 3)
