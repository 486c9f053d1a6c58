import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.errors import InputError
from goldfold.validation.comparison import compare, paired_differences
from goldfold.validation.cross_validation import scored
from goldfold.validation.resampling import resamples
from goldfold.validation.same_rows import on_same_rows

LABEL = Problem("p", "image", "id", ("y",), "binary", ("a", "b"), "accuracy", "label")
VALUE = Problem("p", "image", "id", ("y",), "regression", (), "rmse", "value")
CONFIG = ValidateConfig(bootstrap=300, worst=3)


def table(problem, truth, prediction, folds=2):
    """An out-of-fold table as validate writes it."""
    truth, rows = np.asarray(truth), np.arange(len(truth))
    targets = np.asarray(problem.classes)[truth] if problem.classes else truth
    columns = pd.DataFrame({"row": rows, "fold": rows % folds, "id": [f"i{row}" for row in rows], "y": targets})
    return pd.concat([columns, problem.table(np.asarray(prediction, dtype=float))], axis=1)


def result(problem, table):
    return scored(problem, table, ValidateConfig(bootstrap=10))


def compared(problem, tables, groups=None):
    """A comparison of out-of-fold tables by name."""
    return compare(problem, {name: result(problem, table) for name, table in tables.items()}, CONFIG, groups)


def guesses(draws, truth, right):
    """Labels of which a share is right."""
    return np.where(draws.random(len(truth)) < right, truth, 1 - truth)


def test_a_known_difference_is_more_than_noise_and_lies_in_the_interval():
    draws = np.random.default_rng(1)
    truth = draws.integers(0, 2, 4000)
    # Both fail on the same hard rows, and the second on fewer: 0.80 and 0.83 in truth.
    hardness = draws.random(4000)
    both = {name: np.where(hardness < right, truth, 1 - truth) for name, right in (("old", 0.80), ("new", 0.83))}
    comparison = compared(LABEL, {name: table(LABEL, truth, guess) for name, guess in both.items()})
    assert (
        comparison.low < 0.03 < comparison.high
        and comparison.is_more_than_noise
        and comparison.better == "new"
        and comparison.share == 1
    )
    assert comparison.verdict.startswith("more than noise: new is ahead by 0.0")
    # Rows that both fail on do not widen it: sqrt(0.03 * 0.97 / 4000) twice 1.96 times.
    assert comparison.high - comparison.low == pytest.approx(2 * 1.96 * (0.03 * 0.97 / 4000) ** 0.5, rel=0.2)


def test_a_difference_by_chance_is_noise():
    draws = np.random.default_rng(3)
    truth = draws.integers(0, 2, 400)
    comparison = compared(LABEL, {name: table(LABEL, truth, guesses(draws, truth, 0.8)) for name in ("a", "b")})
    assert comparison.difference != 0 and not comparison.is_more_than_noise and 0.5 < comparison.share < 0.98
    assert comparison.verdict.startswith(f"no more than noise: {comparison.better} is ahead") and "holds 0" in comparison.verdict


@pytest.mark.slow
def test_the_interval_covers_the_true_difference_as_often_as_it_says():
    draws, covered = np.random.default_rng(0), []
    for _ in range(120):
        truth = draws.integers(0, 2, 200)
        actual = table(LABEL, truth, truth)
        pair = guesses(draws, truth, 0.7).astype(float), guesses(draws, truth, 0.8).astype(float)
        low, high = np.quantile(paired_differences(LABEL, actual, pair, 150), [0.05, 0.95])
        covered.append(low <= 0.1 <= high)
    assert 0.82 <= np.mean(covered) <= 0.97


def test_groups_are_drawn_whole_so_copies_of_a_row_make_nothing_surer():
    draws = np.random.default_rng(0)
    truth = draws.integers(0, 2, 200)
    groups = np.repeat(np.arange(200), 10)
    copies = {name: table(LABEL, truth[groups], guesses(draws, truth, right)[groups]) for name, right in (("a", 0.7), ("b", 0.8))}
    by_id = pd.Series(groups, index=[f"i{row}" for row in range(2000)])
    by_row, by_group = compared(LABEL, copies), compared(LABEL, copies, by_id)
    assert (by_group.high - by_group.low) == pytest.approx(10**0.5 * (by_row.high - by_row.low), rel=0.25)
    assert by_group.groups == 200
    drawn = next(resamples(2000, 1, groups))
    assert (np.bincount(groups[drawn], minlength=200) % 10 == 0).all() and len(drawn) == 2000


def test_less_is_better_where_the_metric_says_so():
    truth = np.linspace(0, 1, 50)
    off = {"near": truth + 0.01, "far": truth + 0.5 + truth / 10}
    comparison = compared(VALUE, {name: table(VALUE, truth, guess) for name, guess in off.items()})
    assert comparison.difference > 0 and comparison.better == "near" and comparison.share == 1 and comparison.is_more_than_noise
    assert list(comparison.changed["id"]) == ["i49", "i48", "i47"] and "turned" not in comparison.changed
    assert list(comparison.changed["change"]) == pytest.approx(list(0.49 + truth[[49, 48, 47]] / 10))


def test_the_rows_that_turned_are_named_with_both_labels(tmp_path):
    old, new = [0.9, 0.2, 0.6, 0.4, 0.1], [0.8, 0.7, 0.3, 0.45, 0.2]
    comparison = compared(LABEL, {"old": table(LABEL, [1, 1, 1, 0, 0], old), "new": table(LABEL, [1, 1, 1, 0, 0], new)})
    turned = comparison.changed.set_index("id")["turned"].to_dict()
    assert turned == {"i1": "wrong → right", "i2": "right → wrong"}
    assert comparison.changed.loc[0, ["first", "second"]].tolist() == ["a", "b"]
    assert comparison.difference == 0 and comparison.better is None and "no difference" in comparison.verdict
    assert comparison.folds[["fold", "rows", "first", "second"]].to_numpy().tolist() == [
        [0, 3, 1.0, pytest.approx(2 / 3)],
        [1, 2, 0.5, 1.0],
    ]
    comparison.save(tmp_path)
    saved = json.loads((tmp_path / "comparison.json").read_text())
    assert saved["folds"][1] == {"fold": 1, "rows": 2, "first": 0.5, "second": 1.0, "difference": 0.5}
    assert len(pd.read_csv(tmp_path / "changed.csv")) == 2


def test_a_fold_on_which_the_metric_is_undefined_is_null(tmp_path):
    auc = dataclasses.replace(LABEL, metric="roc_auc", answer="probability")
    pair = {name: table(auc, [0, 1, 1, 1], [0.2, chance, 0.7, 0.8]) for name, chance in (("a", 0.1), ("b", 0.6))}
    compared(auc, pair).save(tmp_path)
    saved = json.loads((tmp_path / "comparison.json").read_text())
    assert [fold["difference"] for fold in saved["folds"]] == [0.0, None]
    assert saved["difference"] == pytest.approx(1 / 3)


def test_rows_come_in_the_order_of_the_first_whatever_theirs():
    first = table(LABEL, [0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3])
    ordered = on_same_rows(LABEL, {"a": result(LABEL, first), "b": result(LABEL, first.iloc[[2, 0, 3, 1]])})
    assert list(ordered["b"].oof["id"]) == list(first["id"]) and list(ordered["b"].oof["p_b"]) == list(first["p_b"])


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (lambda t: t[t["fold"] == 0], ["a and b were validated on different folds", "fold 1: only in a"]),
        (lambda t: t.assign(id=["i0", "i1", "i2", "x"]), ["different rows", "id i3: only in a", "id x: only in b"]),
        (lambda t: t.assign(fold=[0, 1, 1, 0]), ["different folds: 2 in 4 rows", "id i2: fold 0 in a, 1 in b"]),
        (lambda t: t.assign(y=["a", "a", "b", "a"]), ["different targets: 1 in 4 rows", "id i1: y b in a, a in b"]),
        (lambda t: t.rename(columns={"p_b": "p_c"}), ["b does not predict", "p_b: not in b", "p_c: only in b"]),
    ],
)
def test_results_that_cannot_be_compared_are_refused_with_the_reason(change, lines):
    first = table(LABEL, [0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3])
    with pytest.raises(InputError) as caught:
        on_same_rows(LABEL, {"a": result(LABEL, first), "b": dataclasses.replace(result(LABEL, first), oof=change(first.copy()))})
    assert all(line in str(caught.value) for line in lines), caught.value
    assert "To mend it" in str(caught.value)


@pytest.mark.slow
def test_runs_are_compared_as_they_are_judged_post_processed_and_per_answer():
    draws = np.random.default_rng(0)
    truth = np.repeat(draws.random(150) < 0.15, 2).astype(int)
    f1 = dataclasses.replace(LABEL, metric="f1", answer_id="pair")
    config = ValidateConfig(bootstrap=20, postprocess="auto")
    results = {}
    for name, noise in (("a", 0.2), ("b", 0.1)):
        oof = table(f1, truth, np.clip(0.3 * truth + noise * draws.random(300), 0, 1))
        oof = oof.assign(pair=np.arange(300) // 2, fold=np.arange(300) // 2 % 3)
        results[name] = scored(f1, oof, config)
    comparison = compare(f1, results, config)
    assert comparison.scores == tuple(judged.scores.score for judged in results.values()) and comparison.rows == 150
    assert comparison.scores[1] > results["b"].scores.raw
