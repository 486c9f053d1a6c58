"""The page of two runs; tests/validation has the comparison itself."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.errors import InputError
from goldfold.files import write_json
from goldfold.modalities.table.columns import Feature
from goldfold.prepare import PreparedSet
from goldfold.report.side_by_side import build_comparison
from goldfold.schema import Column
from goldfold.validation.comparison import compare
from goldfold.validation.cross_validation import scored

ROWS, CONFIG = 60, ValidateConfig(bootstrap=20)
CLASSES = Problem("p", "table", "id", ("y",), "binary", ("<a>", "b"), "accuracy", "label")
VALUES = Problem("p", "table", "id", ("y",), "regression", (), "rmse", "value")


def page_of(folder, problem, truth, predictions):
    """The page of two results on the same rows."""
    train = pd.DataFrame({"id": [f"i{row}" for row in range(ROWS)], "y": truth, "size": np.arange(ROWS) / 2})
    write_json(folder / "columns.json", [Feature(Column("size", "number"), "number", "").to_json()])
    prepared = PreparedSet(folder, problem, train, train, train, np.arange(ROWS) % 2, False, "", "f" * 32)
    results = {
        name: scored(problem, pd.concat([train.assign(row=range(ROWS), fold=prepared.folds), problem.table(one)], axis=1), CONFIG)
        for name, one in predictions.items()
    }
    return prepared, results, build_comparison(prepared, compare(problem, results, CONFIG), results)


def cards(page):
    return [re.sub("<.*?>", " ", card) for card in re.findall(r"<article>(.*?)</article>", page, flags=re.DOTALL)]


@pytest.fixture
def classes(tmp_path):
    truth = np.arange(ROWS) % 2
    first, second = np.where(truth, 0.9, 0.1), np.where(truth, 0.8, 0.2)
    first[[3, 5]], second[8] = 0.3, 0.95
    return page_of(tmp_path, CLASSES, np.asarray(CLASSES.classes)[truth], {"<one>": first, "two": second})


def test_it_shows_the_rows_that_turned_with_what_each_run_says_of_them(classes):
    _, _, page = classes
    assert "<one>" not in page and "&lt;one&gt; and two" in page and "two is ahead by 0.0167" in page
    assert "2 rows that the second alone has right, 1 that" in page
    shown = cards(page)
    assert len(shown) == 3 and "i8 · fold 0" in shown[0] and "4.0" in shown[0]
    assert "&lt;a&gt; (90.0%), right" in shown[0] and "&lt;a&gt; (5.0%) → b (95.0%)" in shown[0]
    assert page.count("<svg") == 1 and not re.findall(r"<(?:script|link|iframe)|src=\"(?!data:)", page)


def test_values_are_those_whose_loss_changed_most(tmp_path):
    truth = np.arange(ROWS, dtype=float)
    second = truth + np.where(np.arange(ROWS) == 7, 5.0, 0.1)
    _, _, page = page_of(tmp_path, VALUES, truth, {"one": truth + 0.1, "two": second})
    assert "i7 · fold 1" in cards(page)[0] and "7.0000 → 12.000" in cards(page)[0]
    assert "No row changed" in page_of(tmp_path, VALUES, truth, {"one": second, "two": second})[2]


def test_rows_that_the_prepared_set_lacks_are_told(classes):
    prepared, results, _ = classes
    other = replace(prepared, train=prepared.train.iloc[:4])
    with pytest.raises(InputError, match="i8: not there"):
        build_comparison(other, compare(CLASSES, results, CONFIG), results)
