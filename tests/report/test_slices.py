import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.report.slices import MISSING, by_class, by_label, by_part, explained, parts_of_column

BINARY = Problem("p", "image", "id", ("y",), "binary", ("a", "b"), "roc_auc", "probability")


def test_few_values_are_parts_and_more_numbers_are_cut_into_quantiles():
    assert parts_of_column(pd.Series(["x", None, "y", "x"])).tolist() == ["x", "missing", "y", "x"]
    counts = parts_of_column(pd.Series([10, 2, 2, 30]))
    assert list(counts.cat.categories) == ["2", "10", "30"]
    numbers = parts_of_column(pd.Series([*np.arange(100) / 10, np.nan]))
    assert numbers.value_counts().tolist() == [20, 20, 20, 20, 20, 1] and numbers.iloc[-1] == "missing"
    assert numbers.cat.categories[0] == "up to 1.98"


def test_infinite_values_are_missing():
    values = pd.Series([*map(float, range(99)), np.inf])
    assert parts_of_column(values).iloc[-1] == MISSING


def test_columns_that_tell_nothing_are_left_out():
    assert parts_of_column(pd.Series(["same"] * 9)) is None
    assert parts_of_column(pd.Series([f"id{row}" for row in range(50)])) is None
    rare = parts_of_column(pd.Series([f"v{min(row, 14)}" for row in range(40)]))
    assert rare.cat.categories[0] == "v14" and rare.cat.categories[-1] == "others" and len(rare.cat.categories) == 13


def test_each_part_is_scored_by_the_metric_and_a_bad_one_is_marked():
    table = pd.DataFrame({"y": list("ab" * 30)})
    part = pd.Series(pd.Categorical(["good"] * 40 + ["bad"] * 18 + ["alone"] * 2, ["good", "bad", "alone"]))
    table.loc[58:, "y"] = "a"
    truth = BINARY.truth(table)
    prediction = np.where(part == "bad", 1 - truth, truth) * 0.8 + 0.1
    losses = np.abs(truth - prediction) + np.linspace(0, 0.01, 60)
    found = by_part(BINARY, table, prediction, losses, part).set_index("part")
    assert found["rows"].tolist() == [40, 18, 2]
    assert found["score"].tolist()[:2] == [1.0, 0.0] and np.isnan(found.loc["alone", "score"])
    assert found["worse"].tolist() == [False, True, False]
    assert found.loc["bad", "loss"] == pytest.approx(losses[40:58].mean())


def test_a_column_explains_what_its_parts_differ_by_and_chance_nothing():
    draws = np.random.default_rng(0)
    part = draws.integers(0, 4, 4000)
    losses = part + draws.normal(size=4000)
    # The variance of four equal steps is 1.25, that of the noise 1.
    assert explained(losses, pd.Series(part)) == pytest.approx(1.25 / 2.25, abs=0.03)
    assert abs(explained(losses, pd.Series(draws.permutation(part)))) < 0.003
    assert explained(np.zeros(4), pd.Series([0, 0, 1, 1])) == 0


def test_classes_and_labels_are_counted():
    three = Problem("p", "image", "id", ("y",), "multiclass", ("a", "b", "c"), "accuracy", "label")
    truth, said = np.array([0, 0, 0, 1, 2]), np.array([0, 1, 1, 1, 0])
    found = by_class(three, truth, np.eye(3)[said], np.arange(5.0)).set_index("class")
    assert found.loc["a", ["rows", "found", "missed", "false"]].tolist() == [3, 1, 2, 1]
    assert found["recall"].tolist() == pytest.approx([1 / 3, 1, 0]) and found["taken for"].tolist() == ["b (2)", "", "a (1)"]
    labels = Problem("p", "image", "id", ("u", "v"), "multilabel", (), "f1_micro", "label")
    found = by_label(labels, np.array([[1, 0], [1, 1]]), np.array([[0.9, 0.6], [0.1, 0.7]]))
    assert found["found"].tolist() == [1, 1] and found["missed"].tolist() == [1, 0] and found["false"].tolist() == [0, 1]
