import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from tests.blending.test_blended import (
    BINARY,
    CLASSES,
    CONFIG,
    LABELS,
    VALUE,
    blended,
    judged,
    level_one,
    noisy,
    tables,
    truth_of,
)

from goldfold.blending.fits import fit_of
from goldfold.blending.linear import Linear
from goldfold.blending.regression import Rows, regress
from goldfold.blending.settings import BlendSettings

FREE = (0.0,)


def rows_of(values, truth, folds=4, weight=None):
    rows = len(truth)
    return Rows(values, truth, np.ones(rows) if weight is None else weight, np.arange(rows) % folds).fold_after_fold()


def test_without_a_penalty_it_is_least_squares():
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(300, 4)) + 5, draws.normal(size=300)
    weight = draws.integers(1, 5, 300).astype(float)
    weights, intercepts = regress(rows_of(x.T[..., None], y[:, None], weight=weight), "identity", FREE, negative=True)
    plain = LinearRegression().fit(x, y, sample_weight=weight)
    assert weights == pytest.approx(plain.coef_, abs=1e-6) and intercepts[0] == pytest.approx(plain.intercept_, abs=1e-5)
    weights, _ = regress(rows_of(x.T[..., None], y[:, None], weight=weight), "identity", FREE)
    positive = LinearRegression(positive=True).fit(x, y, sample_weight=weight)
    assert weights == pytest.approx(positive.coef_, abs=1e-6) and weights.min() >= 0


def test_without_a_penalty_it_is_logistic_regression():
    draws = np.random.default_rng(0)
    x = draws.normal(size=(500, 3))
    y = (draws.random(500) < 1 / (1 + np.exp(-(x @ [1.0, -0.5, 0.2] + 0.3)))).astype(int)
    weights, intercepts = regress(rows_of(x.T[..., None], y[:, None]), "sigmoid", FREE, negative=True)
    plain = LogisticRegression(C=np.inf, tol=1e-10).fit(x, y)
    assert weights == pytest.approx(plain.coef_[0], abs=1e-4) and intercepts == pytest.approx(plain.intercept_, abs=1e-4)


def test_of_classes_the_derivatives_vanish_at_the_fit():
    from goldfold.blending.regression import _moments

    draws = np.random.default_rng(0)
    truth = draws.integers(0, 3, 400)
    values = 2 * np.eye(3)[truth] + draws.normal(size=(2, 400, 3))
    rows = rows_of(values, np.eye(3)[truth])
    weights, intercepts = regress(rows, "softmax", FREE, negative=True)
    at = np.concatenate([weights, intercepts])
    moments = _moments(rows.values, rows.truth, rows.weight, "softmax", at)
    assert np.abs(moments.slope).max() < 1e-4
    for place in range(len(at)):
        step = 1e-5 * np.eye(len(at))[place]
        beside = [_moments(rows.values, rows.truth, rows.weight, "softmax", at + sign * step) for sign in (-1, 1)]
        assert (beside[1].slope - beside[0].slope) / 2e-5 == pytest.approx(moments.curvature[place], abs=1e-3)


def test_a_strong_penalty_leaves_the_plain_average_and_noise_chooses_a_strong_one():
    draws = np.random.default_rng(0)
    y = draws.normal(size=60)
    values = (y + draws.normal(size=(20, 60)))[..., None]
    weights, _ = regress(rows_of(values, y[:, None]), "identity", (1e6,), negative=True)
    assert weights == pytest.approx(np.full(20, 1 / 20), abs=1e-3)
    free, _ = regress(rows_of(values, y[:, None]), "identity", FREE, negative=True)
    chosen, _ = regress(rows_of(values, y[:, None]), "identity", negative=True)
    assert chosen.std() < free.std() / 3


def test_the_penalty_that_is_chosen_is_the_best_by_fits_to_the_other_folds():
    draws = np.random.default_rng(0)
    y = draws.normal(size=80)
    values = (y + draws.normal(size=(15, 80)))[..., None]
    rows, penalties = rows_of(values, y[:, None]), (1e-4, 1e-2, 1.0)
    losses = []
    for penalty in penalties:
        loss = 0.0
        for fold in range(4):
            others = rows.fold != fold
            # The unit of the penalty is that of all rows; the fits to the others differ from these by its share.
            unit = (values**2).sum() / 15 * penalty
            x = np.column_stack([rows.values[:, others, 0].T, np.ones(others.sum())])
            matrix = x.T @ x + np.diag([unit] * 15 + [0])
            theta = np.linalg.solve(matrix, x.T @ rows.truth[others, 0] + np.append(np.full(15, unit / 15), 0))
            loss += ((rows.values[:, ~others, 0].T @ theta[:15] + theta[15] - rows.truth[~others, 0]) ** 2).sum()
        losses.append(loss)
    best = penalties[int(np.argmin(losses))]
    assert regress(rows, "identity", penalties, True)[0] == pytest.approx(regress(rows, "identity", (best,), True)[0])


@pytest.mark.parametrize("problem", [BINARY, CLASSES, LABELS, VALUE])
def test_predictions_are_probabilities_and_come_back_from_json(problem):
    draws = np.random.default_rng(0)
    truth = truth_of(problem, draws, 80)
    values = np.stack([noisy(problem, draws, truth, 2.0) for _ in range(3)])
    table = next(iter(tables(problem, truth, {"a": values[0]}).values()))
    fitted = fit_of(problem, BlendSettings("ridge", "predictions", negative=True))(values, table)
    prediction = fitted.predict(3 * values if problem is VALUE else values**3)
    again = Linear.from_json(fitted.linear.to_json("abc"))
    assert (again.predict(problem, 3 * values if problem is VALUE else values**3) == prediction).all()
    if problem is not VALUE:
        assert prediction.min() >= 0 and prediction.max() <= 1
    if problem in (BINARY, LABELS):
        assert ((prediction >= (values**3).min(axis=0)) & (prediction <= (values**3).max(axis=0))).all()
    if problem is CLASSES:
        assert prediction.sum(axis=1) == pytest.approx(1)


def test_under_a_metric_of_logarithms_the_logarithms_are_fitted():
    problem = dataclasses.replace(VALUE, metric="rmsle")
    draws = np.random.default_rng(0)
    truth = np.exp(draws.normal(3, 1, 200))
    values = truth * np.exp(draws.normal(0, 0.5, (4, 200)))
    table = next(iter(tables(problem, truth, {"a": values[0]}).values()))
    fits = [fit_of(each, BlendSettings("ridge", "predictions"))(values, table).predict(values) for each in (problem, VALUE)]
    assert problem.score(truth, fits[0]) < problem.score(truth, fits[1])


def test_rows_that_the_metric_masks_are_not_fitted():
    problem = dataclasses.replace(VALUE, metric="mae", metric_args={"mask": "use"})
    draws = np.random.default_rng(0)
    truth = draws.normal(size=100)
    values = truth + draws.normal(size=(2, 100))
    table = next(iter(tables(problem, truth, {"a": values[0]}).values())).assign(use=[1] * 60 + [0] * 40)
    fit = fit_of(problem, BlendSettings("ridge", "predictions"))
    wild = table.assign(y=np.where(table["use"] == 1, table["y"], np.nan))
    assert fit(values, wild).linear.weights == pytest.approx(fit(values[:, :60], table[:60]).linear.weights)


def test_auto_takes_the_best_of_the_methods_and_says_by_how_much():
    made, _ = blended(BINARY, "auto", noises=(2.5, 2.5, 30.0, 3.0))
    choice = made.choice
    assert set(choice.scores) == {"equal", "hill", "nnls", "ridge", "logistic"}
    assert choice.scores[made.settings.method] == max(choice.scores.values())
    assert (
        choice.difference == pytest.approx(max(choice.scores.values()) - choice.scores[choice.second]) and choice.difference >= 0
    )
    assert made.cv.scores.score <= choice.scores[made.settings.method] + 0.01
    assert made.to_json()["choice"]["second"] == choice.second


def test_a_folds_rows_are_predicted_by_the_method_that_is_best_on_the_others():
    from goldfold.blending import choice as module

    draws = np.random.default_rng(2)
    truth = draws.integers(0, 2, 200)
    level = level_one(BINARY, judged(BINARY, oof := tables(BINARY, truth, {name: draws.random(200) for name in "abcdef"})), oof)
    folds = level.table["fold"].to_numpy()
    chosen, made = module.choose(level, CONFIG, None, negative=False)
    each, best = {}, set()
    for settings in module.candidates(level, negative=False):
        each[settings.method] = module.nested(fit_of(BINARY, settings), level.on(settings.on).values, level.table).prediction
    for fold in range(4):
        here = folds == fold
        scores = {name: BINARY.score(truth[~here], prediction[~here]) for name, prediction in each.items()}
        assert made.prediction[here] == pytest.approx(each[max(scores, key=scores.get)][here])
        best.add(max(scores, key=scores.get))
    assert best == {"equal", "hill", "logistic"} and chosen.settings.method in best
