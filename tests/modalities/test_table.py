import io
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML
from tests.conftest import predict_outside, with_recipe

from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.errors import InputError
from goldfold.imports import modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.modalities.protocol import find_learning
from goldfold.prediction.exports import export
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.training import FoldResult, train_fold
from goldfold.training.fitting import row_weights
from goldfold.training.fold import read_fold
from goldfold.training.reporter import Silent
from goldfold.validation.cross_validation import validate

TABLE, OUTSIDE = find_learning("table"), modality_part("table", "outside")
RMSLE = {"metric": "rmsle"}
THREE = {"n_folds": 3, "folds": [0, 1, 2]}


@pytest.fixture(scope="module")
def rows(prepared_with, table_root):
    return prepared_with(table_root)


def spec_of(config, prepared, rows=None, **settings):
    model = config.model.model_copy(update=settings)
    return TABLE.input_spec(model, prepared, np.arange(len(prepared.train)) if rows is None else rows)


def test_what_each_column_is_is_worked_out_and_told(rows):
    decided = {d["setting"]: d["value"] for d in rows[2]["decided"] if "columns" in d["setting"]}
    assert decided["columns: number"] == "number, count, leak" and decided["columns: boolean"] == "flag"
    assert decided["columns: date"] == "when" and decided["columns: text"] == "remark"
    reasons = {d["value"]: d["why"] for d in rows[2]["decided"] if d["setting"] == "columns: left out"}
    assert reasons["id"] == "it is the id" and reasons["always"] == "all values are the same"
    assert reasons["ticket"] == "nearly every row has its own" and "free text" in reasons["remark"]
    assert reasons["count"] == "it counts the rows" and reasons["leak"] == "the test table does not have it"
    assert rows[2]["inputs"] == "columns: 1 numbers, 1 booleans, 1 categories, 1 dates, 6 left out"


@pytest.mark.slow
def test_a_kind_can_be_given(prepared_with, table_root):
    _, _, summary = prepared_with(table_root, prepare={"columns": {"ticket": "category", "number": "drop"}})
    decided = {(d["setting"], d["why"]): d["value"] for d in summary["decided"]}
    assert decided["columns: category", "by their cells"] == "category, always"
    assert decided["columns: category", "as params.yaml says"] == "ticket"
    assert decided["columns: left out", "as params.yaml says"] == "number"
    with pytest.raises(InputError, match="there is no column nummer; did you mean number"):
        prepared_with(table_root, prepare={"columns": {"nummer": "drop"}})
    with pytest.raises(InputError, match=r"'duration', 'text' or 'drop'"):
        prepared_with(table_root, prepare={"columns": {"number": "float"}})
    with pytest.raises(InputError, match=r"no value of category is a number\n.*category holds"):
        prepared_with(table_root, prepare={"columns": {"category": "number"}})
    with pytest.raises(InputError, match="no value of remark is a date"):
        prepared_with(table_root, prepare={"columns": {"remark": "date"}})


def test_encodings_are_learned_from_the_training_rows_of_the_fold_alone(rows):
    config, prepared, _ = rows
    training, others = prepared.training_rows(0), prepared.validation_rows(0)
    changed = prepared.train.copy()
    changed.loc[others, "number"] = 1e6
    changed.loc[others, "category"] = "new"
    changed.loc[others, "answer"] = "0"
    for settings in ({}, {"target_encoding": 2}):
        assert spec_of(config, replace(prepared, train=changed), training, **settings) == spec_of(
            config, prepared, training, **settings
        )


def test_missing_and_unseen_values_have_their_places(rows):
    config, prepared, _ = rows
    spec = spec_of(config, prepared)
    view = TABLE.plain_view(prepared, "test", spec)
    _, first = view.__getitems__([(0, 0)])
    assert first["categories"].tolist() == [[0]]
    missing = prepared.test["number"].isna().to_numpy()
    _, inputs = view.__getitems__([(0, row) for row in range(len(prepared.test))])
    places = list(spec["numbers"])
    assert spec["numbers"]["number"]["indicator"] and not spec["numbers"]["flag"]["indicator"]
    at = places.index("number")
    assert (inputs["numbers"][:, at + 1].numpy() == missing).all()
    assert inputs["numbers"][missing, at].unique().numel() == 1 and inputs["numbers"].isfinite().all()
    emptied = prepared.test.assign(category=np.nan, number="n/a", when="no date")
    _, empty = TABLE.plain_view(replace(prepared, test=emptied), "test", spec).__getitems__([(0, 0)])
    assert empty["categories"].tolist() == [[1]] and empty["numbers"].isfinite().all()


def test_a_date_becomes_its_parts(rows):
    config, prepared, _ = rows
    spec = spec_of(config, prepared, scale="standard")
    table = prepared.train.iloc[:2].assign(when=["2024-02-29", "2024-03-01"])
    names = [name for name in spec["numbers"] for _ in range(1 + spec["numbers"][name]["indicator"])]
    numbers = pd.DataFrame(OUTSIDE.outside_view(table, spec, None, {}).numbers.numpy(), columns=names)

    def unscaled(part):
        learned = spec["numbers"][f"when {part}"]
        return (numbers[f"when {part}"] * learned["std"] + learned["mean"]).round(3).tolist()

    assert unscaled("day") == [29, 1] and unscaled("month") == [2, 3] and unscaled("weekday") == [3, 4]
    assert np.diff(unscaled("days")) == [1] and unscaled("month sine")[1] == 1


@pytest.mark.parametrize("scale", ["standard", "quantile"])
def test_numbers_are_scaled(rows, scale):
    config, prepared, _ = rows
    _, inputs = TABLE.plain_view(prepared, "train", spec_of(config, prepared, scale=scale)).__getitems__(
        [(0, row) for row in range(240)]
    )
    known = inputs["numbers"][:, 0][~torch.from_numpy(prepared.train["number"].isna().to_numpy())]
    assert known.mean().abs() < 0.05 and (known.std() - 1).abs() < 0.1


def test_a_target_encoding_of_a_row_is_learned_from_other_rows(prepared_with, tmp_path):
    draws = np.random.default_rng(0)
    count = 600
    table = pd.DataFrame({"id": range(count), "who": draws.integers(0, 150, count), "y": draws.integers(0, 2, count)})
    table["who"] = "w" + table["who"].astype(str)
    table.to_csv(tmp_path / "train.csv", index=False)
    table.drop(columns="y").to_csv(tmp_path / "test.csv", index=False)
    config, prepared, _ = prepared_with(tmp_path, model={"target_encoding": 10, "scale": "standard"})
    everything = np.arange(count)
    spec = TABLE.input_spec(config.model, prepared, everything)
    answer = prepared.problem.truth(prepared.train)

    def correlation(view):
        _, inputs = view.__getitems__([(0, row) for row in range(count)])
        return abs(np.corrcoef(inputs["numbers"][:, 0], answer)[0, 1])

    # The names tell nothing: what a row's own target leaks is seen where it is not left out.
    assert correlation(TABLE.plain_view(prepared, "train", spec)) > 0.3
    assert correlation(TABLE.training_view(prepared, everything, spec, (), 0, 1)) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [{}, {"name": "HistGradientBoosting"}, {"name": "linear"}, {"name": "sklearn.svm:LinearSVC"}, {"name": "RandomForest"}],
    ids=lambda model: model.get("name", "mlp"),
)
def test_a_model_goes_through_the_whole_pipeline(prepared_with, table_root, tmp_path, model):
    config, prepared, _ = prepared_with(table_root, model=model, train={"epochs": 12, "lr": 0.01})
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold)) for fold in range(3)]
    loaded = [FoldResult.load(tmp_path / str(fold)) for fold in range(3)]
    cv = validate(prepared, loaded, config.validate_)
    assert cv.scores.score > 0.85 and cv.scores.folds == {fold.fold: fold.score for fold in folds}
    answer = predict(prepared, Ensemble(loaded, config.predict))
    answer.save(tmp_path / "submission")
    assert (tmp_path / "submission/submission.csv").is_file()
    # A row from outside, by itself, is predicted as it is in the table.
    table = OUTSIDE.read_files([table_root / "test.csv"])
    names, alone, bad = predict_outside(loaded, table.head(3))
    assert alone == pytest.approx(prepared.problem.predictions(answer.predictions)[:3], abs=1e-5) and not bad
    assert names[0] == f"{table_root / 'test.csv'} row 2"
    with pytest.raises(InputError, match="the rows have no column number"):
        predict_outside(loaded, table.drop(columns="number"))


@pytest.mark.parametrize("balanced", [{}, {"class_weights": "balanced"}, {"sampling": "balanced"}])
def test_weights_of_rows_are_an_estimators_sample_weight(prepared_with, table_root, balanced):
    config, prepared, _ = prepared_with(table_root, model={"name": "HistGradientBoosting"}, train=balanced)
    plain = row_weights(read_fold(prepared, 0, 0, config))
    weights = np.where(np.arange(len(prepared.train)) % 2, 0.25, 1.0)
    fold = read_fold(replace(prepared, weights=weights), 0, 0, config)
    expected = weights[fold.training_rows] * (1 if plain is None else plain)
    assert row_weights(fold) == pytest.approx(expected / expected.mean()) and (plain is None) == (balanced == {})


@pytest.mark.slow
def test_an_estimator_trained_again_is_the_same_bytes_and_holds_no_pickle(prepared_with, table_root, tmp_path):
    config, prepared, _ = prepared_with(table_root, model={"name": "HistGradientBoosting"})
    first, again = (train_fold(prepared, 0, 0, config, tmp_path / name).weights["_extra_state"] for name in "ab")
    assert (
        torch.equal(first, again)
        and (tmp_path / "a/model.safetensors").read_bytes() == (tmp_path / "b/model.safetensors").read_bytes()
    )
    with zipfile.ZipFile(io.BytesIO(first.numpy().tobytes())) as content:
        assert all(name.endswith((".json", ".npy", ".npz")) for name in content.namelist())


def test_an_estimators_state_with_types_of_strangers_is_refused(prepared_with, table_root, tmp_path):
    from skops.io import dumps

    config, prepared, _ = prepared_with(table_root, model={"name": "linear"})
    result = train_fold(prepared, 0, 0, config, tmp_path)
    result.weights = {"_extra_state": torch.frombuffer(bytearray(dumps(YAML())), dtype=torch.uint8)}
    with pytest.raises(InputError, match="types that are not trusted"):
        result.build_model()


@pytest.mark.slow
def test_class_weights_and_balanced_sampling_weigh_an_estimators_rows(prepared_with, table_root, tmp_path):
    shares = []
    for train in ({}, {"class_weights": [50.0]}, {"sampling": "balanced"}):
        config, prepared, _ = prepared_with(table_root, model={"name": "linear"}, train=train)
        model = train_fold(prepared, 0, 0, config, tmp_path).build_model()
        spec = TABLE.input_spec(config.model, prepared, prepared.training_rows(0))
        _, inputs = TABLE.plain_view(prepared, "train", spec).__getitems__([(0, row) for row in range(240)])
        shares.append(float(model(**inputs).sigmoid().mean()))
    assert shares[1] > shares[0] + 0.1 and shares[2] != shares[0]
    config, prepared, _ = prepared_with(table_root, model={"name": "KNeighbors"}, train={"sampling": "balanced"})
    with pytest.raises(InputError, match="KNeighborsClassifier takes no weights of rows"):
        train_fold(prepared, 0, 0, config, tmp_path)


@pytest.mark.slow
def test_several_targets_and_a_class_that_training_lacks(prepared_with, tmp_path):
    draws = np.random.default_rng(0)
    number = draws.normal(size=90)
    table = pd.DataFrame({"id": range(90), "x": number, "a": (number > 0).astype(int), "b": (number > 1).astype(int)})
    tables = {
        "multilabel": table,
        "regression": table.assign(a=number * 2.5, b=-number),
        "multiclass": table.assign(a=["rare", *np.where(number[1:] > 0, "up", "down")]).drop(columns="b"),
    }
    for task, each in tables.items():
        root = tmp_path / task
        root.mkdir()
        each.to_csv(root / "train.csv", index=False)
        table[["id", "x"]].head(9).to_csv(root / "test.csv", index=False)
        targets = [name for name in ("a", "b") if name in each]
        config, prepared, _ = prepared_with(
            root,
            competition={"target": targets, "task": task},
            model={"name": "HistGradientBoosting"},
            split={"strategy": "kfold", "n_folds": 3, "folds": [0, 1, 2]},
        )
        rare = int(prepared.folds[0])
        result = train_fold(prepared, rare, 0, config, tmp_path / f"{task}-fold")
        _, inputs = TABLE.plain_view(prepared, "test", result.spec).__getitems__([(0, row) for row in range(9)])
        logits = result.build_model()(**inputs)
        assert logits.shape == (9, len(prepared.problem.outputs)) and logits.isfinite().all()


class Own(torch.nn.Module):
    def __init__(self, numbers, categories, outputs, width=4):
        super().__init__()
        self.embed = torch.nn.ModuleList(torch.nn.Embedding(size, width) for size in categories)
        self.head = torch.nn.Linear(numbers + width * len(categories), outputs)

    def forward(self, numbers, categories):
        parts = [embed(categories[:, place]) for place, embed in enumerate(self.embed)]
        return self.head(torch.cat([numbers, *parts], dim=1))


class Wrong(Own):
    def __init__(self, numbers, categories, outputs):
        super().__init__(numbers, categories, 7)


def test_your_own_network_is_named_by_its_import_path(prepared_with, table_root, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "own.nets", sys.modules[__name__])
    config, prepared, _ = prepared_with(table_root, model={"name": "own.nets:Own", "args": {"width": 3}})
    assert train_fold(prepared, 0, 0, config, tmp_path).weights["embed.0.weight"].shape[1] == 3
    config, prepared, _ = prepared_with(table_root, model={"name": "own.nets:Wrong"})
    with pytest.raises(InputError, match=r"gives \(2, 7\) for two rows, not \(2, 1\)"):
        train_fold(prepared, 0, 0, config, tmp_path)


@pytest.mark.parametrize(
    ("sections", "told"),
    [
        ({"model": {"name": "HistGradientBosting"}}, "did you mean HistGradientBoosting"),
        ({"model": {"name": "linear", "args": {"depth": 3}}}, "LogisticRegression refused its arguments"),
        ({"model": {"name": "linear", "args": {"solver": "fast"}}}, "LogisticRegression cannot be fitted"),
        ({"model": {"name": "linear", "hidden": [3]}}, "hidden are the mlp's"),
        ({"model": {"name": "mlp", "image_size": 32}}, "model.image_size: there is no such key"),
        ({"augment": ["HorizontalFlip"]}, "augment: HorizontalFlip does not apply .* no transforms"),
        ({"predict": {"tta": ["HorizontalFlip"]}}, "predict.tta: HorizontalFlip does not apply"),
        ({"train": {"mix": ["MixUp"]}}, "MixUp and CutMix mix images alone"),
        ({"model": {"name": "RandomForst"}}, "did you mean RandomForestClassifier"),
        ({"model": {"name": "sklearn.ensemble:RandomForestRegressor"}}, "gives no probabilities, which a binary task needs"),
        ({"model": {"name": "KNeighbors", "args": {"n_neighbors": 500}}}, "KNeighborsClassifier cannot predict"),
        ({"model": {"hidden_init": "kaiming"}}, "did you mean kaiming_"),
        ({"competition": {"modality": "tabel"}}, "there is no kind of input tabel; did you mean table"),
    ],
)
def test_a_wrong_setting_ends_in_a_message(prepared_with, table_root, tmp_path, sections, told):
    with pytest.raises(InputError, match=told):
        config, prepared, _ = prepared_with(
            table_root, **{name: dict(each) if isinstance(each, dict) else each for name, each in sections.items()}
        )
        train_fold(prepared, 0, 0, config, tmp_path)


def test_an_estimator_is_no_network_to_export(prepared_with, table_root, tmp_path):
    config, prepared, _ = prepared_with(table_root, model={"name": "linear"})
    result = train_fold(prepared, 0, 0, config, tmp_path / "fold")
    with pytest.raises(InputError, match="linear is a fitted estimator, and these formats hold networks"):
        export(result, prepared, ["onnx"], tmp_path)


def test_an_estimator_has_no_steps_to_overfit(prepared_with, table_root):
    from goldfold.training.one_batch import overfit

    config, prepared, _ = prepared_with(table_root, model={"name": "linear"})
    with pytest.raises(InputError, match="linear is fitted at once"):
        overfit(prepared, 0, config, Silent(), 3, lambda *_: None)


def test_a_finished_estimator_is_taken_over(prepared_with, table_root, tmp_path):
    class Heard(Silent):
        def __init__(self):
            self.told = []

        def note(self, text):
            self.told.append(text)

    config, prepared, _ = prepared_with(table_root, model={"name": "linear"})
    reporter = Heard()
    results = [train_fold(prepared, 0, 0, config, tmp_path / "out", reporter, tmp_path / "scratch") for _ in range(2)]
    assert any("already trained" in line for line in reporter.told) and results[0].score == results[1].score


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "least"), [("ionosphere", 0.93), ("iris", 0.93)])
def test_the_tutorials_tables_reach_the_tutorials_scores(shared_data, tmp_path, recipe, least):
    tree = with_recipe(recipe)
    tree["competition"]["path"] = str(shared_data / "tutorials")
    config = parse_config(tree)
    prepared, _ = prepare(read_competition(config.competition), config.split, config.prepare, tmp_path / "prepared")
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold)) for fold in config.split.folds]
    assert validate(prepared, folds, config.validate_).scores.score >= least


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("titanic", {"metric": "accuracy"}),
        ("house-prices", {"metric": "rmsle"}),
        ("ghouls-goblins", {}),
        ("bike-sharing", {"metric": "rmsle"}),
    ],
)
def test_a_real_table_ends_in_a_valid_submission(shared_data, prepared_with, tmp_path, name, settings):
    config, prepared, _ = prepared_with(shared_data / name, competition=settings, model={"name": "HistGradientBoosting"})
    result = train_fold(prepared, 0, 0, config, tmp_path / "fold")
    predict(prepared, Ensemble([result], config.predict)).save(tmp_path / "submission")
    least = {"titanic": 0.75, "house-prices": 0.2, "ghouls-goblins": 0.6, "bike-sharing": 0.4}[name]
    assert (result.score > least) == prepared.problem.scored_by.maximize
