import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from goldfold.blending import BlendSettings, blend, gather
from goldfold.blending.nesting import nested
from goldfold.blending.weights import Losses, hill_climb, slsqp
from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.errors import InputError
from goldfold.inference.averaging import average, from_scale, to_scale
from goldfold.validation.cross_validation import scored

BINARY = Problem("p", "image", "id", ("y",), "binary", ("a", "b"), "roc_auc", "probability")
ACCURACY = dataclasses.replace(BINARY, metric="accuracy", answer="label")
CLASSES = Problem("p", "image", "id", ("y",), "multiclass", ("a", "b", "c"), "log_loss", "probability")
LABELS = Problem("p", "image", "id", ("u", "v"), "multilabel", (), "log_loss", "probability")
VALUE = Problem("p", "image", "id", ("y",), "regression", (), "rmse", "value")
CONFIG = ValidateConfig(bootstrap=10, worst=5)
ROWS, TEST_ROWS = 240, 60


def tables(problem, truth, predictions, folds=4, start="r"):
    """Out-of-fold or test tables of members by name."""
    rows = np.arange(len(truth))
    targets = np.asarray(problem.classes)[truth] if problem.classes else truth
    known = pd.DataFrame({"row": rows, "fold": rows % folds, "id": [f"{start}{row}" for row in rows]})
    known = pd.concat([known, pd.DataFrame(np.reshape(targets, (len(rows), -1)), columns=list(problem.targets))], axis=1)
    return {name: pd.concat([known, problem.table(prediction)], axis=1) for name, prediction in predictions.items()}


def judged(problem, tables):
    return {name: scored(problem, table, CONFIG) for name, table in tables.items()}


def truth_of(problem, draws, rows):
    if problem.task == "regression":
        return draws.normal(size=rows)
    return draws.integers(0, max(len(problem.classes), 2), (rows, 2) if problem.task == "multilabel" else rows)


def noisy(problem, draws, truth, noise):
    """Predictions that know the truth but for noise."""
    if problem.task == "regression":
        return truth + noise * draws.normal(size=len(truth))
    signal = np.eye(3)[truth] if problem.task == "multiclass" else truth
    logits = 4 * (signal - 0.5) + noise * draws.normal(size=signal.shape)
    return from_scale(problem, logits, "logits")


def level_one(problem, results, tests):
    return gather(problem, ((name, result, tests[name]) for name, result in results.items()), len(results))


def blended(problem, method="hill", on="predictions", model=None, noises=(2.5, 2.5, 30.0), folds=4, seed=0, negative=False):
    draws = np.random.default_rng(seed)
    truth, test_truth = truth_of(problem, draws, ROWS), truth_of(problem, draws, TEST_ROWS)
    names = [f"m{number}" for number in range(len(noises))]
    oof = {name: noisy(problem, draws, truth, noise) for name, noise in zip(names, noises, strict=True)}
    test = {name: noisy(problem, draws, test_truth, noise) for name, noise in zip(names, noises, strict=True)}
    columns = problem.classes if (problem.task, problem.answer) == ("multiclass", "probability") else problem.targets
    sample = pd.DataFrame({"id": [f"t{row}" for row in range(TEST_ROWS)], **dict.fromkeys(columns, "0")})
    level = level_one(problem, judged(problem, tables(problem, truth, oof, folds)), tables(problem, test_truth, test, start="t"))
    settings = None if method == "auto" else BlendSettings(method, on, model, negative)
    return blend(level, sample, settings, CONFIG, negative=negative), test_truth


@pytest.mark.parametrize("method", ["hill", "ridge", "nnls", "logistic", "stack", "auto"])
def test_what_is_fitted_to_noise_scores_as_noise_when_nested(method):
    draws = np.random.default_rng(0)
    truth = draws.integers(0, 2, ROWS)
    guesses = {f"m{member}": draws.random(ROWS) for member in range(30)}
    oof = judged(ACCURACY, tables(ACCURACY, truth, guesses))
    test = tables(ACCURACY, truth[:5], {name: guess[:5] for name, guess in guesses.items()}, start="t")
    sample = pd.DataFrame({"id": [f"t{row}" for row in range(5)], "y": "a"})
    settings = None if method == "auto" else BlendSettings(method, "predictions", negative=method in ("ridge", "logistic"))
    made = blend(level_one(ACCURACY, oof, test), sample, settings, CONFIG)
    # What is shrunk to the average fits less of the noise.
    assert made.optimistic > 0.6 or method not in ("hill", "stack")
    assert abs(made.cv.scores.score - 0.5) < 0.08


def test_the_rows_of_a_fold_do_not_touch_what_predicts_them():
    values = np.random.default_rng(0).random((2, 12))
    folds, seen = np.arange(12) % 3, []

    def fit(values, table):
        seen.append(set(table["row"]))
        return type("Fitted", (), {"predict": lambda values: values[0] + len(seen)})

    made = nested(fit, values, pd.DataFrame({"row": range(12), "fold": folds}))
    assert seen == [set(np.flatnonzero(folds != fold)) for fold in range(3)]
    assert made.prediction == pytest.approx(values[0] + folds + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("problem", "method", "on"),
    [
        (BINARY, "hill", "predictions"),
        (BINARY, "hill", "ranks"),
        (BINARY, "stack", "logits"),
        (ACCURACY, "hill", "logits"),
        (dataclasses.replace(BINARY, metric="log_loss"), "slsqp", "logits"),
        (CLASSES, "hill", "predictions"),
        (CLASSES, "slsqp", "predictions"),
        (dataclasses.replace(CLASSES, metric="f1_macro", answer="label"), "slsqp", "predictions"),
        (CLASSES, "stack", "logits"),
        (BINARY, "ridge", "ranks"),
        (BINARY, "logistic", "logits"),
        (CLASSES, "ridge", "predictions"),
        (CLASSES, "nnls", "predictions"),
        (CLASSES, "logistic", "logits"),
        (LABELS, "ridge", "predictions"),
        (LABELS, "logistic", "logits"),
        (VALUE, "ridge", "predictions"),
        (VALUE, "nnls", "predictions"),
        (LABELS, "slsqp", "logits"),
        (LABELS, "stack", "logits"),
        (dataclasses.replace(LABELS, metric="roc_auc"), "hill", "ranks"),
        (VALUE, "hill", "predictions"),
        (VALUE, "slsqp", "predictions"),
        (VALUE, "stack", "predictions"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.task}-{value.metric}",
)
def test_two_equal_members_and_a_bad_one_make_a_better_blend(problem, method, on, tmp_path):
    made, test_truth = blended(problem, method, on)
    better = problem.scored_by.better
    assert all(better(made.cv.scores.score, alone) for alone in made.members.values())
    if made.weights:
        assert min(made.weights.values()) >= 0
        if made.linear.intercepts is None:
            assert sum(made.weights.values()) == pytest.approx(1)
        assert made.weights["m2"] < 0.1 < min(made.weights["m0"], made.weights["m1"])
        assert set(made.weights_by_fold) == {0, 1, 2, 3}
    made.save(tmp_path / "blend")
    score = problem.score(test_truth, problem.predictions(made.submission.predictions))
    assert score == pytest.approx(made.cv.scores.score, abs=0.15)


@pytest.mark.slow
def test_the_same_members_give_the_same_bytes(tmp_path):
    for folder in ("one", "two"):
        blended(CLASSES, "stack", "logits", "sklearn.ensemble:RandomForestClassifier")[0].save(tmp_path / folder)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert {str(file) for file in files} >= {"blend.json", "cv/oof.parquet", "cv/metrics.json", "submission/submission.csv"}
    assert all((tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes() for file in files)


def test_hill_climbing_finds_a_share_that_was_worked_out_by_hand():
    # The loss of weights w is least at 3/4 and 1/4 of the first two; ten additions or more can hold that.
    losses = Losses(lambda w: abs(w[0] - 0.75) + abs(w[1] - 0.25), lambda w: 0.0)
    assert hill_climb(losses, np.eye(3)) == pytest.approx([0.75, 0.25, 0])


def test_of_sets_that_the_metric_sees_as_equals_the_finer_measure_decides():
    losses = Losses(lambda w: 0.0, lambda w: (w[1] - 0.6) ** 2 + (w[2] - 0.4) ** 2)
    assert hill_climb(losses, np.eye(3)) == pytest.approx([0, 0.6, 0.4])


def test_hill_climbing_takes_members_away_where_it_is_allowed():
    losses = Losses(lambda w: (w[0] - 1.5) ** 2 + (w[1] + 0.5) ** 2, lambda w: 0.0)
    assert hill_climb(losses, np.eye(2)) == pytest.approx([1, 0])
    assert hill_climb(losses, np.eye(2), negative=True) == pytest.approx([1.5, -0.5], abs=0.05)


def test_a_climb_over_many_rows_glances_at_some_and_weighs_as_one_that_tries_all():
    draws = np.random.default_rng(0)
    truth = draws.normal(size=4000)
    values = truth + draws.normal(size=(30, 4000)) * draws.uniform(0.5, 3, (30, 1))
    losses = Losses(lambda total: float(((total - truth) ** 2).mean()), lambda total: 0.0)
    some = np.arange(0, 4000, 4)
    short = losses._replace(some=some, glance=lambda total: float(((total - truth[some]) ** 2).mean()))
    each = [losses.by_metric(np.tensordot(hill_climb(one, values), values, axes=1)) for one in (losses, short)]
    assert each[1] == pytest.approx(each[0], rel=0.01)


def test_slsqp_finds_the_least_variance_of_independent_errors():
    variances = np.array([1.0, 2.0, 4.0])
    # Weights by the inverse of the variance: 4, 2 and 1 sevenths.
    assert slsqp(lambda w: 1e6 * (w**2 @ variances), np.eye(3)) == pytest.approx(np.array([4, 2, 1]) / 7, abs=1e-4)


@pytest.mark.parametrize("problem", [BINARY, CLASSES, LABELS])
def test_equal_weights_of_logits_are_the_geometric_mean(problem):
    draws = np.random.default_rng(0)
    members = np.stack([noisy(problem, draws, truth_of(problem, draws, 9), 2.0) for _ in range(3)])
    mean = np.mean([to_scale(problem, member, "logits") for member in members], axis=0)
    assert from_scale(problem, mean, "logits") == pytest.approx(average(problem, members, "logits"))


def test_ranks_lie_between_0_and_1_with_ties_shared():
    assert to_scale(BINARY, np.array([0.3, 0.9, 0.3, 0.1]), "ranks") == pytest.approx([0.5, 0.875, 0.5, 0.125])


def test_a_class_that_the_other_folds_lack_is_never_predicted(tmp_path):
    draws = np.random.default_rng(0)
    truth = np.where(np.arange(40) % 4 == 0, 2, np.arange(40) % 2)
    guess = {name: noisy(CLASSES, draws, truth, 1.0) for name in "ab"}
    values = np.stack([to_scale(CLASSES, prediction, "logits") for prediction in guess.values()])
    from goldfold.blending.stacking import fit_stack

    features = np.moveaxis(values, 0, 1).reshape(40, -1)
    others = truth != 2
    prediction = fit_stack(CLASSES, LogisticRegression(), features[others], truth[others])(features)
    assert (prediction[:, 2] == 0).all() and prediction.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize(
    ("problem", "settings", "told"),
    [
        (VALUE, {"on": "logits"}, "a regression's values have no logits"),
        (CLASSES, {"on": "ranks"}, "log_loss cannot score the ranks of multiclass predictions"),
        (LABELS, {"on": "ranks"}, "log_loss cannot score the ranks of multilabel predictions"),
        (BINARY, {"method": "slsqp", "on": "ranks"}, "roc_auc of ranks changes in steps"),
        (BINARY, {"folds": 1}, "validated on one fold, so"),
        (BINARY, {"method": "auto", "folds": 1}, "validated on one fold, so"),
        (VALUE, {"method": "logistic"}, "--method logistic fits probabilities"),
        (BINARY, {"method": "nnls", "negative": True}, "the weights of nnls are never below zero"),
        (BINARY, {"method": "stack", "model": "sklearn.svm:LinearSVC"}, "has no predict_proba"),
        (BINARY, {"method": "stack", "model": "own.none:Model"}, "--model: there is no module own.none"),
        (BINARY, {"method": "stack", "model": "RandomForest"}, "did you mean RandomForest"),
        (BINARY, {"method": "stack", "model": "sklearn.ensemble:StackingClassifier"}, "--model: StackingClassifier refused"),
    ],
)
def test_settings_that_do_not_suit_are_refused(problem, settings, told):
    with pytest.raises(InputError) as caught:
        blended(problem, **settings)
    assert told in str(caught.value) and "params.yaml" not in str(caught.value)


def test_one_fold_can_be_averaged_without_weights_to_fit():
    made, _ = blended(BINARY, "equal", folds=1)
    assert made.cv.scores.score == made.optimistic and set(made.weights.values()) == {1 / 3}


@pytest.mark.slow
def test_the_post_processing_is_the_blends_own():
    draws = np.random.default_rng(0)
    f1 = dataclasses.replace(BINARY, metric="f1", answer="label")
    truth = (draws.random(ROWS) < 0.2).astype(int)
    guesses = {name: np.clip(0.2 * truth + 0.2 * draws.random(ROWS), 0, 1) for name in "ab"}
    config = ValidateConfig(bootstrap=10, postprocess="auto")
    results = {name: scored(f1, table, config) for name, table in tables(f1, truth, guesses).items()}
    sample = pd.DataFrame({"id": [f"t{row}" for row in range(ROWS)], "y": "a"})
    level = level_one(f1, results, tables(f1, truth, guesses, start="t"))
    made = blend(level, sample, BlendSettings("equal", "predictions"), config)
    assert made.cv.scores.raw == 0 and made.optimistic >= made.cv.scores.score > 0.5
    assert made.members == {name: member.scores.score for name, member in results.items()}
    assert made.submission.postprocess == made.cv.postprocess.steps != ()
    assert (made.submission.table["y"] == "b").any()
