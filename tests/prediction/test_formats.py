"""Each form of answer, as a file that keeps the contract of the sample submission."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.config import PredictConfig, ValidateConfig
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.prediction import Submission, check_submission, score_submission
from goldfold.prediction.test_set import predict
from goldfold.training import train_fold
from goldfold.validation.cross_validation import validate

CLASSES = Problem("p", "image", "id", ("y",), "multiclass", ("w", "v", "new"), "map_at_k", "ranking", metric_args={"k": 2})
SETS = Problem("p", "image", "id", ("y",), "multilabel", ("a", "b", "c"), "f1_micro", "set")
PAIRS = Problem("p", "image", "id", ("C1", "C2"), "multilabel", (), "log_loss", "probability", pair_id="{id}_{label}")
SHARED = Problem("p", "image", "image", ("y",), "binary", ("0", "1"), "roc_auc", "probability", answer_id="breast")
VALUE = Problem("p", "image", "id", ("y",), "regression", (), "laplace_log_likelihood", "confidence")
GRADES = Problem("p", "image", "id", ("y",), "regression", (), "quadratic_weighted_kappa", "label", grades=("0", "1", "2.5", "4"))
KEYS = Problem("p", "image", "trip_time", ("x",), "regression", (), "mae", "value", keys=("trip", "time"))
THREE = [[0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.2, 0.5, 0.3]]


def written(folder, problem, ids, prediction, sample):
    predictions = pd.concat([pd.DataFrame(ids), problem.table(np.array(prediction, dtype=float))], axis=1)
    Submission(problem, pd.DataFrame(sample, dtype="str"), predictions).save(folder)
    return (folder / "submission.csv").read_text().split("\n")[:-1]


@pytest.mark.parametrize(
    ("problem", "ids", "prediction", "sample", "lines"),
    [
        (CLASSES, {"id": ["x", "y", "z"]}, THREE, {"Image": ["z", "x", "y"], "Id": "w"}, ["z,v new", "x,w v", "y,new w"]),
        (
            SETS,
            {"id": ["x", "y", "z"]},
            [[0.9, 0.1, 0.5], [0.1, 0.2, 0.3], [0, 0.6, 0]],
            {"id": ["x", "y", "z"], "labels": "a b"},
            ["x,a c", "y,", "z,b"],
        ),
        (
            PAIRS,
            {"id": ["s1", "s2"]},
            [[0.1, 0.2], [0.3, 0.4]],
            {"row_id": ["s1_C2", "s2_C1", "s2_C2", "s1_C1"], "fractured": "0.5"},
            ["s1_C2,0.2", "s2_C1,0.3", "s2_C2,0.4", "s1_C1,0.1"],
        ),
        (
            replace(PAIRS, targets=("0", "12"), pair_id="{id}{label:02d}"),
            {"id": ["0", "7"]},
            [[0.1, 0.2], [0.3, 0.4]],
            {"Id": ["0", "12", "700", "712"], "Probability": "0"},
            ["0,0.1", "12,0.2", "700,0.3", "712,0.4"],
        ),
        (
            SHARED,
            {"image": ["1", "2", "3"], "breast": ["r", "l", "r"]},
            [0.25, 0.5, 0.75],
            {"breast": ["l", "r"], "cancer": "0"},
            ["l,0.5", "r,0.5"],
        ),
        (
            replace(SHARED, aggregate="max"),
            {"image": ["1", "2", "3"], "breast": ["r", "l", "r"]},
            [0.25, 0.5, 0.75],
            {"breast": ["l", "r"], "cancer": "0"},
            ["l,0.5", "r,0.75"],
        ),
        (VALUE, {"id": ["x"]}, [2000.5], {"Patient_Week": ["x"], "Confidence": "100", "y": "2000"}, ["x,200.0,2000.5"]),
        (GRADES, {"id": list("wxyz")}, [-3.0, 1.8, 2.4, 9], {"id": list("wxyz"), "y": "0"}, ["w,0", "x,2.5", "y,2.5", "z,4"]),
        (
            KEYS,
            {"trip_time": ["a_1", "a_2", "b_1"]},
            [1.5, 2.5, 3.5],
            {"trip": ["b", "a", "a"], "time": ["1", "2", "1"], "x": "0"},
            ["b,1,3.5", "a,2,2.5", "a,1,1.5"],
        ),
        (
            replace(
                CLASSES, classes=("Black-grass", "Common wheat", "c"), metric="log_loss", metric_args={}, answer="probability"
            ),
            {"id": ["x", "y", "z"]},
            THREE,
            {"id": ["x", "y", "z"], "c": "0", "Common wheat": "0", "Black-grass": "1"},
            ["x,0.1,0.2,0.7", "y,0.8,0.1,0.1", "z,0.3,0.5,0.2"],
        ),
    ],
)
def test_an_answer_is_written_as_the_sample_asks(tmp_path, problem, ids, prediction, sample, lines):
    assert written(tmp_path, problem, ids, prediction, sample) == [",".join(sample), *lines]


@pytest.mark.parametrize(
    ("problem", "text", "told"),
    [
        (CLASSES, "id,y\nx,w u\n", "id x: 'u' is not one of the labels"),
        (CLASSES, "id,y\nx,w w\n", "id x: a label appears twice in 'w w'"),
        (CLASSES, 'id,y\nx,""\n', "id x: there is no label"),
        (SETS, "id,y\nx,a d\n", "id x: 'd' is not one of the labels"),
        (GRADES, "id,y\nx,2\n", "id x: y is '2', not one of the labels"),
        (VALUE, "id,y\nx,\n", "id x: y is ''"),
    ],
)
def test_a_text_that_would_be_refused_is_told(tmp_path, problem, text, told):
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        check_submission(path, pd.DataFrame({"id": ["x"], "y": ["0"]}), problem)
    assert told in str(caught.value)


def test_a_pair_without_an_answer_is_told(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("row_id,fractured\ns1_C1,0.5\ns1_C2,0.5\n")
    solution = pd.DataFrame({"id": ["s1"], "C1": [1.0], "C2": [0.0]})
    assert score_submission(path, solution, PAIRS) == pytest.approx(np.log(2))
    with pytest.raises(InputError, match="no answer for 1 ids"):
        score_submission(path, solution.assign(id="s2"), PAIRS)


def test_labels_of_a_solution_that_training_does_not_know_are_told():
    with pytest.raises(InputError, match="labels in y that training has not seen: 1\n  d"):
        SETS.truth(pd.DataFrame({"y": ["a d", ""]}))
    with pytest.raises(InputError, match="that training has not seen"):
        CLASSES.truth(pd.DataFrame({"y": ["w", "z"]}))


def variants(digits):
    """The digits asked for in other ways: as votes, a set of labels, grades to be rounded to, and some rows alone."""
    problem, train = digits.problem, digits.train
    label = train["label"].astype(int)
    names = tuple(f"is {digit}" for digit in range(10))
    votes = pd.DataFrame(np.eye(10)[label] * 3 + 0.1, columns=list(names))
    sets = train.assign(label=[f"even n{n}" if n % 2 == 0 else f"n{n}" * (n != 7) for n in label])
    tenth = tuple(str(digit) for digit in range(10))
    return {
        "votes": (
            replace(problem, targets=names, classes=names, metric="kl_divergence", answer="probability"),
            pd.concat([train[["id"]], votes], axis=1),
            pd.DataFrame({"id": digits.test["id"], **dict.fromkeys(reversed(names), "0.1")}),
        ),
        "set": (
            replace(
                problem,
                task="multilabel",
                classes=("even", *(f"n{n}" for n in range(10) if n != 7)),
                metric="f1_micro",
                answer="set",
            ),
            sets,
            pd.DataFrame({"id": digits.test["id"], "labels": ""}),
        ),
        "grades": (
            replace(problem, task="regression", classes=(), grades=tenth, metric="quadratic_weighted_kappa"),
            train.assign(label=label.astype(float)),
            digits.sample,
        ),
        "masked": (replace(problem, metric_args={"mask": "small", "keep": True}), train.assign(small=label < 5), digits.sample),
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["votes", "set", "grades", "masked"])
def test_what_is_asked_is_trained_judged_and_answered(digits, settings, tmp_path, name):
    problem, train, sample = variants(digits)[name]
    prepared = replace(digits, problem=problem, train=train, sample=sample)
    folds = [train_fold(prepared, fold, 0, settings(epochs=2, lr=0.01), tmp_path / str(fold)) for fold in (0, 1)]
    cv = validate(prepared, folds, ValidateConfig(bootstrap=10, postprocess="auto"))
    cv.save(tmp_path / "cv")
    raw = cv.scores.score if cv.scores.raw is None else cv.scores.raw
    assert raw == problem.score_rows(cv.oof, problem.predictions(cv.oof))
    predict(prepared, Ensemble(folds, PredictConfig(), cv.postprocess.steps)).save(tmp_path / "submission")
    if name == "masked":
        small = cv.oof[cv.oof["small"]]
        assert raw == (problem.predictions(small).argmax(axis=1) == problem.truth(small)).mean()
    if name == "grades":
        answers = pd.read_csv(tmp_path / "submission/submission.csv", dtype=str)["label"]
        assert set(answers) <= set(problem.grades) and cv.scores.score > raw - 0.1
