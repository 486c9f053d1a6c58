"""Post-processing does what it says, and what is reported of it was never fitted to the rows that it is judged on."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from goldfold.competition import Problem
from goldfold.config import Component, ValidateConfig
from goldfold.errors import InputError
from goldfold.inference.postprocess import Postprocess, Step, automatic, fit_postprocess, processed
from goldfold.prediction import Submission
from goldfold.terminal import show_cv
from goldfold.training import train_fold
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import validate

BINARY = Problem("p", "image", "id", ("y",), "binary", ("a", "b"), "f1", "label")
CLASSES = Problem("p", "image", "id", ("y",), "multiclass", ("0", "1", "2", "3"), "quadratic_weighted_kappa", "label")
LABELS = Problem("p", "image", "id", ("u", "v"), "multilabel", (), "f1_macro", "label")
GRADES = replace(CLASSES, task="regression", classes=(), grades=("0", "1", "2", "3"))
VALUE = Problem("p", "image", "id", ("y",), "regression", (), "laplace_log_likelihood", "confidence")


def rows_of(problem, truth, folds=3):
    """A table of out-of-fold rows with this truth."""
    table = pd.DataFrame({"id": [str(row) for row in range(len(truth))], "fold": np.arange(len(truth)) * folds // len(truth)})
    if problem.is_exclusive:
        return table.assign(y=np.asarray(problem.classes)[truth])
    columns = truth.reshape(len(truth), -1).T
    return table.assign(**dict(zip(problem.targets, columns, strict=True)))


def fitted(problem, truth, prediction, *steps, folds=3):
    return fit_postprocess(problem, [Component(**step) for step in steps], rows_of(problem, truth, folds), prediction)


def imbalanced(rows=600, seed=0):
    draws = np.random.default_rng(seed)
    truth = (draws.random(rows) < 0.1).astype(int)
    return truth, 1 / (1 + np.exp(-(draws.normal(0, 1, rows) + 2.0 * truth - 3)))


@pytest.mark.slow
def test_what_is_judged_does_not_know_the_rows_that_it_is_judged_on():
    truth, prediction = imbalanced()
    table = rows_of(BINARY, truth)
    post = fitted(BINARY, truth, prediction, {"name": "threshold"})
    mine = (table["fold"] == 1).to_numpy()
    # The fold's own labels and predictions, whatever they are, do not reach what it is changed by.
    other_truth, other_prediction = np.where(mine, 1 - truth, truth), np.where(mine, prediction[::-1], prediction)
    for changed in (
        fitted(BINARY, other_truth, prediction, {"name": "threshold"}),
        fitted(BINARY, truth, other_prediction, {"name": "threshold"}),
    ):
        assert changed.nested[1] == post.nested[1]
        assert changed.nested[0] != post.nested[0] or changed.nested[2] != post.nested[2]
    assert (post.judged(BINARY, table, prediction)[mine] == processed(BINARY, post.nested[1], prediction[mine])).all()
    alone = fitted(BINARY, truth[~mine], prediction[~mine], {"name": "threshold"}, folds=2)
    assert alone.steps == post.nested[1]


def test_thresholds_on_noise_gain_where_they_were_fitted_and_not_where_they_are_judged():
    draws = np.random.default_rng(1)
    problem = replace(LABELS, targets=tuple(f"l{at}" for at in range(30)))
    truth, noise = draws.integers(0, 2, (90, 30)), draws.random((90, 30))
    table = rows_of(problem, truth)
    post = fitted(problem, truth, noise, {"name": "label_thresholds"})
    # To predict every label is what noise allows: 2 x 0.5 / 1.5. More than that is learned by heart.
    seen = problem.score(truth, processed(problem, post.steps, noise), table)
    judged = problem.score(truth, post.judged(problem, table, noise), table)
    assert seen > judged + 0.02 and judged < 2 / 3


@pytest.mark.slow
def test_a_threshold_is_the_best_and_moves_to_one_half():
    truth, prediction = imbalanced()
    post = fitted(BINARY, truth, prediction, {"name": "threshold"})
    changed = processed(BINARY, post.steps, prediction)
    every = [f1_score(truth, prediction >= t) for t in np.unique(prediction)]
    assert f1_score(truth, changed >= 0.5) == pytest.approx(max(every), abs=0.01)
    assert f1_score(truth, changed >= 0.5) > f1_score(truth, prediction >= 0.5) + 0.1
    assert (np.argsort(changed) == np.argsort(prediction)).all() and changed.min() >= 0 and changed.max() <= 1
    table = rows_of(BINARY, truth)
    assert BINARY.score(truth, post.judged(BINARY, table, prediction), table) > f1_score(truth, prediction >= 0.5) + 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metric", "args"),
    [("f1_macro", {}), ("f1_micro", {}), ("fbeta", {"beta": 2, "average": "macro"}), ("fbeta", {"beta": 2, "average": "micro"})],
)
def test_thresholds_per_label_are_the_best_that_there_are(metric, args):
    draws = np.random.default_rng(3)
    problem = replace(LABELS, metric=metric, metric_args=args)
    truth = (draws.random((24, 2)) < [0.3, 0.6]).astype(int)
    prediction = np.clip(truth * 0.2 + draws.random((24, 2)) * 0.7, 0, 1).round(2)
    post = fitted(problem, truth, prediction, {"name": "label_thresholds"})
    score = problem.score(truth, processed(problem, post.steps, prediction))
    cuts = [[*np.unique(column), 2] for column in prediction.T]
    best = max(problem.score(truth, (prediction >= pair).astype(float)) for pair in itertools.product(*cuts))
    assert score == pytest.approx(best)


def test_thresholds_per_label_are_for_f_scores_alone():
    problem, truth = replace(LABELS, metric="accuracy"), np.eye(2, dtype=int)[[0, 1] * 6]
    with pytest.raises(InputError, match="label_thresholds fits macro and micro F-scores of all rows alone"):
        fitted(problem, truth, np.full((12, 2), 0.5), {"name": "label_thresholds"})


def test_probabilities_become_0_and_1_where_they_are_counted_as_shares():
    truth, prediction = imbalanced()
    problem = replace(BINARY, metric="probabilistic_f1", answer="probability")
    post = fitted(problem, truth, prediction, {"name": "binarise"})
    changed = processed(problem, post.steps, prediction)
    assert set(changed) == {0.0, 1.0}
    assert problem.score(truth, changed) > problem.score(truth, prediction) + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("problem", [CLASSES, GRADES])
def test_cut_points_find_where_the_grades_change(problem):
    draws = np.random.default_rng(4)
    value = draws.uniform(0, 3, 400)
    truth = np.searchsorted([0.4, 1.9, 2.7], value)
    prediction = value
    if problem is CLASSES:
        low = np.floor(value).astype(int).clip(0, 2)
        prediction = np.eye(4)[low] * (1 - (value - low))[:, None] + np.eye(4)[low + 1] * (value - low)[:, None]
    table = rows_of(problem, truth)
    post = fitted(problem, truth, prediction, {"name": "cut_points"})
    assert post.steps[0].fitted["cuts"] == pytest.approx([0.4, 1.9, 2.7], abs=0.06)
    raw, judged = problem.score(truth, prediction), problem.score(truth, post.judged(problem, table, prediction))
    assert judged > 0.97 > raw + 0.02
    labels = problem.labels(processed(problem, post.steps, prediction))
    assert (labels == truth.astype(str)).mean() > 0.95


def test_temperature_gives_back_what_was_overdone():
    draws = np.random.default_rng(5)
    logits = draws.normal(0, 1.5, (2000, 4))
    likely = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truth = np.array([draws.choice(4, p=row) for row in likely])
    problem = replace(CLASSES, metric="log_loss", answer="probability")
    sure = np.exp(3 * logits) / np.exp(3 * logits).sum(axis=1, keepdims=True)
    post = fitted(problem, truth, sure, {"name": "temperature"})
    assert post.steps[0].fitted["temperature"] == pytest.approx(3, rel=0.1)
    assert processed(problem, post.steps, sure) == pytest.approx(likely, abs=0.05)
    binary = replace(BINARY, metric="log_loss")
    odds = draws.normal(0, 2, 2000)
    positive = (draws.random(2000) < 1 / (1 + np.exp(-odds))).astype(int)
    post = fitted(binary, positive, 1 / (1 + np.exp(-odds / 2)), {"name": "temperature"})
    assert post.steps[0].fitted["temperature"] == pytest.approx(0.5, rel=0.1)


def test_clipping_keeps_a_sure_error_from_costing_all():
    truth = np.array([0] * 50 + [1] * 50)
    prediction = np.array([0.0] * 49 + [1.0] + [1.0] * 49 + [0.0])
    problem = replace(BINARY, metric="log_loss")
    post = fitted(problem, truth[::-1].copy(), prediction[::-1].copy(), {"name": "clip"}, folds=1)
    # Two of a hundred are wrong: the best that a constant can say is 0.02.
    assert post.steps[0].fitted["least"] == pytest.approx(0.02, rel=0.15)


def test_ranks_leave_the_order_and_spread_evenly():
    truth, prediction = imbalanced()
    problem = replace(BINARY, metric="roc_auc", answer="probability")
    changed = processed(problem, fitted(problem, truth, prediction, {"name": "rank"}).steps, prediction)
    assert roc_auc_score(truth, changed) == roc_auc_score(truth, prediction)
    assert sorted(changed) == pytest.approx(np.arange(1, 601) / 601)
    problem = replace(CLASSES, metric="log_loss", answer="probability")
    with pytest.raises(InputError, match="rank would break rows that must sum to 1"):
        fitted(problem, np.arange(8) % 4, np.eye(4)[[0, 1] * 4], {"name": "rank"})
    for metric in ("accuracy", "log_loss"):
        with pytest.raises(InputError, match=f"{metric} sees more than the order"):
            fitted(replace(BINARY, metric=metric), truth, prediction, {"name": "rank"})


def test_what_a_step_does_not_take_is_told_by_its_name():
    truth, prediction = imbalanced()
    with pytest.raises(InputError, match="temperature is for metrics of a probability, and f1 needs a label"):
        fitted(replace(BINARY, metric="f1"), truth, prediction, {"name": "temperature"})
    with pytest.raises(InputError, match="threshold takes no value: what it needs is fitted"):
        fitted(BINARY, truth, prediction, {"name": "threshold", "value": 0.3})


@pytest.mark.slow
def test_weights_of_classes_raise_a_rare_one():
    draws = np.random.default_rng(6)
    truth = draws.choice(4, 400, p=[0.7, 0.2, 0.07, 0.03])
    logits = 1.5 * np.eye(4)[truth] + draws.normal(0, 1, (400, 4)) + np.log([0.7, 0.2, 0.07, 0.03])
    prediction = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    problem = replace(CLASSES, metric="f1_macro")
    post = fitted(problem, truth, prediction, {"name": "class_weights"})
    weights = post.steps[0].fitted["weights"]
    assert weights[3] > weights[0] and processed(problem, post.steps, prediction).sum(axis=1) == pytest.approx(1)
    judged = post.judged(problem, rows_of(problem, truth), prediction)
    assert problem.score(truth, judged) > problem.score(truth, prediction)


def test_the_new_class_is_ranked_before_those_that_are_unsure():
    problem = replace(CLASSES, classes=("new", "a", "b", "c"), metric="map_at_k", answer="ranking")
    draws = np.random.default_rng(7)
    truth = draws.integers(0, 4, 200)
    sure = np.where(truth[:, None] > 0, 0.6, 0.1) * np.eye(4)[truth] + 0.1 + draws.random((200, 4)) * 0.1
    sure[:, 0] = 0
    post = fitted(problem, truth, sure, {"name": "new_class", "label": "new"})
    assert problem.score(truth, sure) < 0.85
    assert problem.score(truth, post.judged(problem, rows_of(problem, truth), sure)) > 0.98
    with pytest.raises(InputError, match="there is no class old"):
        fitted(problem, truth, sure, {"name": "new_class", "label": "old"})
    with pytest.raises(InputError, match="new_class needs label"):
        fitted(problem, truth, sure, {"name": "new_class"})


def test_the_confidence_is_what_the_errors_are():
    draws = np.random.default_rng(8)
    truth = draws.normal(2000, 300, 300)
    prediction = truth + draws.laplace(0, 150, 300)
    post = fitted(VALUE, truth, prediction, {"name": "confidence"})
    best = np.sqrt(2) * np.abs(truth - prediction).mean()
    assert post.steps[0].fitted["confidence"] == pytest.approx(best, rel=0.03)
    sample = pd.DataFrame({"id": ["0", "1"], "Confidence": "100", "y": "2000"})
    predictions = pd.DataFrame({"id": ["0", "1"], "predicted_y": [2100.0, 1900.0]})
    table = Submission(VALUE, sample, predictions, post.steps).table
    assert table["Confidence"].tolist() == [post.steps[0].fitted["confidence"]] * 2
    assert table["y"].tolist() == [2100.0, 1900.0]


PARTS = Problem("p", "table", "id", ("total", "a", "b", "fold"), "regression", (), "rmse", "value").with_own_names()
SUMS = {"total": ["a", "b", "fold"]}


def parts(rows=300):
    """The truth of three parts and their total, and predictions of each by itself."""
    draws = np.random.default_rng(0)
    three = draws.normal(size=(rows, 3))
    truth = np.column_stack([three.sum(axis=1), three])
    return truth, truth + draws.normal(size=truth.shape) * [2, 0.5, 0.5, 0.5]


def test_projected_predictions_keep_the_sums_are_the_nearest_that_do_and_score_better():
    truth, prediction = parts()
    post = fitted(PARTS, truth, prediction, {"name": "project", "sums": SUMS})
    judged = post.judged(PARTS, rows_of(PARTS, truth), prediction)
    assert str(post) == "project total = a + b + fold"
    assert judged[:, 0] == pytest.approx(judged[:, 1:].sum(axis=1))
    assert np.mean((judged - truth) ** 2) < 0.8 * np.mean((prediction - truth) ** 2)
    # What is nearest lies straight below: the way there is along the equation's own direction.
    assert judged - prediction == pytest.approx((judged - prediction)[:, :1] * [1, -1, -1, -1])
    assert processed(PARTS, Postprocess.from_json(post.to_json()).steps, judged) == pytest.approx(judged)


def test_sums_that_say_the_same_twice_are_one():
    truth, prediction = (np.column_stack([values[:, 0], values]) for values in parts())
    prediction[:, 0] += 1
    problem = replace(PARTS, targets=("all", "total", "a", "b", "c"), spelled={})
    sums = {"all": ["total"], "total": ["all"]}
    post = fitted(problem, truth, prediction, {"name": "project", "sums": sums})
    changed = processed(problem, post.steps, prediction)
    assert changed[:, :2] == pytest.approx(np.repeat(prediction[:, 1:2] + 0.5, 2, axis=1))
    assert changed[:, 2:] == pytest.approx(prediction[:, 2:])


@pytest.mark.parametrize(
    ("sums", "message"),
    [
        ({"total": ["a", "bb"]}, "there is no target bb; did you mean b"),
        ({"total": ["a", "a", "b"]}, "names a target twice"),
        ({"total": ["total", "b"]}, "names a target twice"),
        ({"total": ["a", "b"]}, r"total is not a \+ b in the training rows, but 0.*off on average"),
        ({"total": "a"}, "needs the parts of each total"),
        (["a"], "needs the parts of each total"),
    ],
)
def test_sums_that_the_targets_do_not_keep_are_refused(sums, message):
    truth, prediction = parts()
    with pytest.raises(InputError, match=message):
        fitted(PARTS, truth, prediction, {"name": "project", "sums": sums})


def test_steps_follow_one_another():
    truth, prediction = imbalanced()
    problem = replace(BINARY, metric="log_loss")
    post = fitted(problem, truth, prediction, {"name": "temperature"}, {"name": "clip"})
    assert [step.name for step in post.steps] == ["temperature", "clip"]
    assert Postprocess.from_json(post.to_json()) == post


@pytest.mark.slow
def test_one_fold_is_judged_in_fifths():
    truth, prediction = imbalanced()
    table = rows_of(BINARY, truth, folds=1)
    post = fitted(BINARY, truth, prediction, {"name": "threshold"}, folds=1)
    assert sorted(post.nested) == [0, 1, 2, 3, 4]
    fifth = np.arange(600) % 5 == 2
    assert (post.judged(BINARY, table, prediction)[fifth] == processed(BINARY, post.nested[2], prediction[fifth])).all()


@pytest.mark.parametrize(
    ("problem", "steps"),
    [
        (BINARY, ["threshold"]),
        (LABELS, ["threshold"]),
        (replace(BINARY, metric="roc_auc"), []),
        (replace(BINARY, metric="log_loss"), ["temperature"]),
        (replace(BINARY, metric="probabilistic_f1"), ["binarise"]),
        (CLASSES, ["cut_points"]),
        (GRADES, ["cut_points"]),
        (replace(CLASSES, metric="accuracy"), []),
        (replace(CLASSES, metric="f1_macro"), ["class_weights"]),
        (VALUE, ["confidence"]),
    ],
)
def test_auto_is_what_the_metric_asks_for(problem, steps):
    assert [component.name for component in automatic(problem)] == steps


def test_a_step_that_does_not_fit_the_task_is_told():
    with pytest.raises(InputError, match="cut_points does not apply to a binary task"):
        fitted(BINARY, *imbalanced(), {"name": "cut_points"})


def test_the_submission_is_post_processed_and_keeps_the_raw_predictions(tmp_path):
    sample = pd.DataFrame({"id": ["x", "y"], "y": ["a", "a"]})
    predictions = pd.DataFrame({"id": ["x", "y"], "p_b": [0.3, 0.1]})
    steps = (Step("threshold", {"threshold": 0.2}),)
    Submission(BINARY, sample, predictions, steps).save(tmp_path)
    assert (tmp_path / "submission.csv").read_text() == "id,y\nx,b\ny,a\n"
    loaded = Submission.load(tmp_path, BINARY, sample)
    assert loaded.postprocess == steps and loaded.predictions.equals(predictions)


@pytest.mark.slow
def test_validate_reports_both_and_keeps_raw_predictions(digits, settings, tmp_path, capsys):
    folds = [train_fold(digits, fold, 0, settings(epochs=2, lr=0.01), tmp_path / str(fold)) for fold in (0, 1)]
    config = ValidateConfig(bootstrap=20, worst=5, postprocess=({"name": "class_weights"},))
    plain, result = validate(digits, folds, ValidateConfig(bootstrap=20, worst=5)), validate(digits, folds, config)
    assert plain.scores.raw is None and result.scores.raw == plain.scores.score
    pd.testing.assert_frame_equal(result.oof, plain.oof)
    judged = result.judged()
    accuracy = (result.problem.predictions(judged).argmax(axis=1) == result.problem.truth(judged)).mean()
    assert result.scores.score == accuracy
    result.save(tmp_path / "cv")
    loaded = CVResult.load(tmp_path / "cv", result.problem)
    assert loaded.scores == result.scores and loaded.postprocess == result.postprocess
    show_cv(result)
    assert "postprocess class_weights " in capsys.readouterr().out
