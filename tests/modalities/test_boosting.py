"""Boosted trees stop early without seeing their fold's own rows, and know categories and directions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.modalities.table.model import build_model
from goldfold.modalities.table.settings import TableModelConfig
from goldfold.training import train_fold
from goldfold.training.fitting import held_back
from goldfold.training.fold import read_fold
from goldfold.training.reporter import Silent

TREES = {
    "HistGradientBoosting": {"max_iter": 300},
    "lightgbm:LGBM": {"n_estimators": 300, "verbosity": -1},
    "xgboost:XGB": {"n_estimators": 300},
    "catboost:CatBoost": {"iterations": 300, "verbose": 0, "allow_writing_files": False},
}
VALUE = Problem("p", "table", "id", ("y",), "regression", (), "rmse", "value")
COUNT = 400
ENCODING = {"numbers": {"gap": {"indicator": True}, "up": {"indicator": False}}, "categories": {"kind": ["a", "b", "c"]}}


@pytest.fixture(scope="module")
def rows():
    """Numbers and codes of categories, and a value that depends on `up`, the third column, and on one category."""
    draws = np.random.default_rng(0)
    numbers, codes = draws.normal(size=(COUNT, 3)).astype(np.float32), draws.integers(2, 5, (COUNT, 1))
    value = numbers[:, 2] + 2 * (codes[:, 0] == 3) + draws.normal(size=COUNT)
    inputs = {"numbers": torch.tensor(numbers), "categories": torch.tensor(codes)}
    return inputs, torch.tensor(value, dtype=torch.float32)[:, None]


def fitted(rows, held_back=None, **settings):
    model = build_model(TableModelConfig(**settings), ENCODING, VALUE, pretrained=False)
    model.fit(*rows, None, 0, held_back)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("name", TREES)
def test_the_best_rounds_on_held_back_rows_are_fitted_to_all_rows(rows, name):
    if ":" in name:
        pytest.importorskip(name.partition(":")[0], reason="requirements-boosting.txt is not installed")
    held_back = np.arange(COUNT) % 4 == 0
    native = ":" in name
    settings = {"name": name, "args": TREES[name], "native_categories": native}
    model = fitted(rows, held_back, early_stopping=10, **settings)
    assert 1 < model.rounds < 200
    count = next(iter(TREES[name]))
    plain = fitted(rows, name=name, args={**TREES[name], count: model.rounds}, native_categories=native)
    assert torch.equal(model(**rows[0]), plain(**rows[0]))
    again = build_model(TableModelConfig(**settings), ENCODING, VALUE, pretrained=False)
    again.set_extra_state(model.get_extra_state())
    assert torch.equal(again(**rows[0]), model(**rows[0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", TREES)
def test_predictions_rise_with_a_monotone_column(rows, name):
    if ":" in name:
        pytest.importorskip(name.partition(":")[0], reason="requirements-boosting.txt is not installed")
    grid = torch.zeros(50, 3)
    grid[:, 2] = torch.linspace(-2, 2, 50)
    inputs = {"numbers": grid, "categories": torch.full((50, 1), 2)}
    free, rising = (
        fitted(rows, name=name, args=TREES[name], monotone=monotone)(**inputs).diff(dim=0) for monotone in ({}, {"up": 1})
    )
    assert (free < 0).any() and (rising >= 0).all()


@pytest.mark.slow
def test_labels_of_the_folds_own_rows_decide_nothing(prepared_with, table_root, tmp_path):
    model = {"name": "HistGradientBoosting", "early_stopping": 5}
    config, prepared, _ = prepared_with(table_root, model=model)
    turned = prepared.train.copy()
    own = prepared.validation_rows(1)
    turned.iloc[own, turned.columns.get_loc("answer")] = turned["answer"].map({"0": "1", "1": "0"}).iloc[own]
    results = [train_fold(each, 1, 0, config, tmp_path) for each in (prepared, replace(prepared, train=turned))]
    assert torch.equal(*(result.weights["_extra_state"] for result in results)) and results[0].score != results[1].score


def test_the_rounds_are_chosen_on_the_next_fold_or_in_time_on_the_last(prepared_with, table_root):
    config, prepared, _ = prepared_with(table_root, model={"name": "HistGradientBoosting", "early_stopping": 5})
    for number, inner in ((0, 1), (1, 2), (2, 0)):
        fold = read_fold(prepared, number, 0, config)
        chosen_on, name = held_back(fold)
        assert name == f"fold {inner}" and set(prepared.folds[fold.training_rows[chosen_on]]) == {inner}
    in_time = read_fold(replace(prepared, in_time=True), 2, 0, config)
    assert held_back(in_time)[1] == "fold 1"


@pytest.mark.parametrize("package", ["lightgbm", "xgboost", "catboost"])
def test_a_library_reads_codes_as_categories(rows, package, monkeypatch):
    class Trees(Ridge):
        """A stand-in for a library's estimator."""

        def set_params(self, **arguments):
            self.told = arguments
            return self

        def fit(self, matrix, truth):
            self.read = matrix

    Trees.__module__ = package
    monkeypatch.setattr("goldfold.modalities.table.model.find_model", lambda *_: Trees)
    model = fitted(rows, name=f"{package}:Trees", native_categories=True)
    kinds = [str(kind) for kind in model.estimator.read.dtypes]
    assert kinds == ["float32"] * 3 + ["category"]
    assert list(model.estimator.read.iloc[:, 3]) == rows[0]["categories"][:, 0].tolist()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"name": "ExtraTrees", "early_stopping": 5}, "ExtraTreesClassifier does not learn in rounds"),
        ({"name": "ExtraTrees", "monotone": {"number": 1}}, "ExtraTreesClassifier knows no monotone columns"),
        ({"name": "HistGradientBoosting", "monotone": {"numbr": 1}}, "numbr; did you mean number"),
        ({"name": "HistGradientBoosting", "native_categories": True}, "is not told of categories this way"),
        ({"early_stopping": 5}, "early_stopping are for boosted trees"),
    ],
)
def test_a_setting_that_does_not_fit_ends_in_a_message(prepared_with, table_root, tmp_path, settings, told):
    with pytest.raises(InputError, match=told):
        config, prepared, _ = prepared_with(table_root, model=settings)
        train_fold(prepared, 0, 0, config, tmp_path)


@pytest.mark.slow
def test_with_two_folds_a_part_of_the_rows_chooses_which_is_told(prepared_with, table_root, tmp_path):
    class Notes(Silent):
        said = ""

        def note(self, message):
            self.said += message

    model, notes = {"name": "HistGradientBoosting", "early_stopping": 5}, Notes()
    config, prepared, _ = prepared_with(table_root, model=model, split={"n_folds": 2, "folds": [0, 1]})
    result = train_fold(prepared, 0, 0, config, tmp_path, notes)
    assert f"{result.build_model().rounds} rounds, as were best on a part of the training rows" in notes.said


@pytest.mark.slow
def test_several_targets_have_the_mean_of_their_best_rounds(rows):
    held_back = np.arange(COUNT) % 4 == 0
    both = Problem("p", "table", "id", ("y", "z"), "regression", (), "rmse", "value")
    model = build_model(TableModelConfig(name="HistGradientBoosting", early_stopping=10), ENCODING, both, pretrained=False)
    noise = torch.tensor(np.random.default_rng(1).normal(size=(COUNT, 1)), dtype=torch.float32)
    model.fit(rows[0], torch.cat([rows[1], noise], dim=1), None, 0, held_back)
    alone = fitted(rows, held_back, name="HistGradientBoosting", early_stopping=10)
    assert 1 <= model.rounds < alone.rounds and model(**rows[0]).shape == (COUNT, 2)
