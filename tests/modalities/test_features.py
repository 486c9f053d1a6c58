"""Columns made of columns inside the fold: what each kind makes, and that nothing is learned from what a fold may not see."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from tests.conftest import predict_outside

from goldfold.competition import Problem
from goldfold.config import parse_config
from goldfold.errors import InputError
from goldfold.identity import training_key
from goldfold.imports import modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import PreparedRows
from goldfold.modalities.protocol import find_learning
from goldfold.modalities.table.features.entries import KINDS, parse_entry
from goldfold.modalities.table.features.steps import fit_steps, made_by
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult, train_fold
from goldfold.validation.cross_validation import validate

TABLE, OUTSIDE = find_learning("table"), modality_part("table", "outside")
BINARY = Problem("p", "table", "id", ("y",), "binary", ("no", "yes"), "roc_auc", "probability")
EVERY_KIND = [
    {"name": "part", "of": ["text"], "pattern": r"^(\w+),"},
    {"name": "date", "of": ["when"], "parts": ["month", "weekend", "hour"]},
    {"name": "category", "of": ["fold", ["x:y", "when hour"]]},
    {"name": "count", "of": ["a b", ["a b", "x:y"]]},
    {"name": "count", "of": "text part", "rows": "all"},
    {"name": "aggregate", "of": ["n", "fold"], "by": ["a b", "x:y"]},
    {"name": "aggregate", "of": "n", "by": "x:y", "take": ["rank"], "rows": "all"},
    {"name": "difference", "of": [["n", "n by x:y rank"]]},
    {"name": "ratio", "of": [["n", "fold"]]},
    {"name": "length", "of": ["text", "a b"]},
    {"name": "target", "of": ["a b", ["x:y", "fold"], "when hour"]},
]


def rows_of(count, seed):
    """Rows with gaps in every column and with names that goldfold, pandas or YAML could stumble over."""
    draws = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "id": [f"{'t' if seed else 'r'}{row}" for row in range(count)],
            "n": draws.normal(size=count).round(2),
            "fold": draws.integers(0, 6, count),
            "a b": draws.choice([f"c{value}" for value in range(40)], count),
            "x:y": draws.choice(["u & v", "u", "v"], count),
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(0, 9000, count), unit="h"),
            "text": draws.choice(["Smith, Ann B.", "Jones, Bob", "Lee, Cy D. E."], count),
            "empty": "",
        }
    ).astype(object)
    for name in table.columns[1:7]:
        table.loc[draws.random(count) < 0.1, name] = None
    return table


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("features") / "rows"
    root.mkdir()
    answer = np.random.default_rng(2).integers(0, 2, 240)
    rows_of(240, 0).assign(y=answer).to_csv(root / "train.csv", index=False)
    test = rows_of(60, 1)
    test.loc[0, ["n", "fold", "a b", "x:y", "when", "text"]] = None
    test.loc[1, ["a b", "x:y", "text"]] = "never seen"
    test.to_csv(root / "test.csv", index=False)
    return root


@pytest.fixture(scope="module")
def made(prepared_with, root):
    return prepared_with(root, prepare={"features": EVERY_KIND}, model={"name": "HistGradientBoosting"})


def spec_of(made, prepared=None, rows=None):
    config, first, _ = made
    prepared = prepared or first
    return TABLE.input_spec(config.model, prepared, prepared.training_rows(0) if rows is None else rows)


def seen(view, rows):
    _, inputs = view.__getitems__([(0, int(row)) for row in rows])
    return np.hstack([inputs["numbers"].numpy(), inputs["categories"].numpy()])


def columns_of(entry, frame, truth=None, other=None):
    """What an entry makes of a frame, or of another one after it was fitted to the first."""
    truth = np.zeros(len(frame), np.int64) if truth is None else truth
    steps = fit_steps([parse_entry(entry)], frame, frame, truth, BINARY, [])
    assert json.loads(json.dumps(steps)) == steps
    return {name: values.tolist() for name, values in made_by(steps, frame if other is None else other).items()}


def texts(*values):
    return pd.Series(values, dtype="str")


def test_every_kind_is_tried_here():
    assert {entry["name"] for entry in EVERY_KIND} == set(KINDS)


def test_values_together_are_a_category_and_a_number_is_written_as_one():
    frame = pd.DataFrame({"a": texts("x", "x", None, None), "n": [1.0, 2.5, 3.0, np.nan]})
    made = columns_of({"name": "category", "of": ["n", ["a", "n"]]}, frame)
    assert made == {"n category": ["1", "2.5", "3", ""], "a & n category": ["x & 1", "x & 2.5", " & 3", ""]}


def test_a_count_is_that_of_the_rows_that_share_a_value_and_an_unseen_one_is_alone():
    frame, other = pd.DataFrame({"a": texts("x", "x", "y", None)}), pd.DataFrame({"a": texts("x", "z", None)})
    assert columns_of({"name": "count", "of": "a"}, frame)["a count"][:3] == [2, 2, 1]
    made = columns_of({"name": "count", "of": "a"}, frame, other=other)["a count"]
    assert made[:2] == [2, 1] and np.isnan(made[2])


def test_rare_values_are_encoded_close_to_the_mean_of_all():
    frame = pd.DataFrame({"a": texts(*"xxxxy", None)})
    made = columns_of({"name": "target", "of": "a", "smoothing": 2}, frame, np.array([1, 1, 1, 0, 1, 0]))["a target"]
    overall = 4 / 6
    assert np.allclose(made[0], (3 + 2 * overall) / 6) and np.allclose(made[4], (1 + 2 * overall) / 3)
    other = pd.DataFrame({"a": texts("never")})
    assert columns_of({"name": "target", "of": "a"}, frame, np.array([1, 1, 1, 0, 1, 0]), other)["a target"] == [overall]


def test_by_default_means_are_smoothed_as_much_as_chance_alone_makes_them_differ():
    draws, groups = np.random.default_rng(0), np.repeat(np.arange(100), 20)
    frame = pd.DataFrame({"a": pd.Series(groups.astype(str), dtype="str")})
    chance = columns_of({"name": "target", "of": "a"}, frame, draws.integers(0, 2, 2000))["a target"]
    telling = columns_of({"name": "target", "of": "a"}, frame, (draws.random(2000) < groups / 100).astype(int))["a target"]
    assert np.std(chance) < 0.03 and 0.25 < np.std(telling) < 0.32
    # Of values that no two rows share nothing is known.
    alone = columns_of({"name": "target", "of": "a"}, frame[::20].reset_index(drop=True), groups[:100] % 2)["a target"]
    assert len(set(alone)) == 1


def test_an_aggregate_is_that_of_the_group_and_of_all_rows_where_there_is_no_group():
    frame = pd.DataFrame({"g": texts("x", "x", "x", "y", "y"), "n": [1.0, 2.0, 3.0, np.nan, np.nan]})
    made = columns_of({"name": "aggregate", "of": "n", "by": "g"}, frame)
    assert made["n by g mean"] == [2, 2, 2, 2, 2] and np.allclose(made["n by g deviation"], np.std([1, 2, 3]))
    assert np.allclose(made["n by g rank"][:3], [1 / 6, 1 / 2, 5 / 6]) and np.isnan(made["n by g rank"][3:]).all()
    nothing = columns_of({"name": "aggregate", "of": "n", "by": "g"}, frame.assign(n=np.nan))
    assert all(np.isnan(values).all() for values in nothing.values())


def test_a_rank_within_a_large_group_is_as_good_as_exact():
    values = np.random.default_rng(0).normal(size=5000)
    made = columns_of({"name": "aggregate", "of": "n", "by": "g", "take": ["rank"]}, pd.DataFrame({"g": "x", "n": values}))
    exact = (pd.Series(values).rank() - 0.5) / len(values)
    assert np.abs(np.array(made["n by g rank"]) - exact).max() < 0.01


def test_a_ratio_without_a_value_is_missing():
    frame = pd.DataFrame({"a": [1.0, 0.0, 3.0], "b": [0.0, 0.0, 2.0]})
    made = columns_of({"name": "ratio", "of": [["a", "b"]]}, frame)["a / b"]
    assert np.isnan(made[:2]).all() and made[2] == 1.5
    assert columns_of({"name": "difference", "of": [["a", "b"]]}, frame) == {"a - b": [1, 0, 1]}


def test_dates_lengths_and_parts_of_texts():
    frame = pd.DataFrame({"d": pd.to_datetime(["2024-12-30 05:07", None], utc=True), "t": texts("Smith, Ann", None)})
    parts = columns_of({"name": "date", "of": "d"}, frame)
    first = {name.removeprefix("d "): values[0] for name, values in parts.items()}
    calendar = {"year": 2024, "quarter": 4, "month": 12, "week": 1, "yearday": 365, "day": 30}
    assert first == {**calendar, "weekday": 0, "weekend": 0, "hour": 5, "minute": 7}
    assert all(np.isnan(values[1]) for values in parts.values())
    lengths = columns_of({"name": "length", "of": "t"}, frame)
    assert [values[0] for values in lengths.values()] == [10, 2] and np.isnan([values[1] for values in lengths.values()]).all()
    assert columns_of({"name": "part", "of": "t"}, frame) == {"t part": ["Smith", ""]}
    assert columns_of({"name": "part", "of": "t", "pattern": r", (\w)"}, frame) == {"t part": ["A", ""]}


def test_nothing_is_learned_from_rows_outside_of_the_training_fold_but_where_all_rows_are_counted(prepared_with, root):
    entries = [{key: value for key, value in entry.items() if key != "rows"} for entry in EVERY_KIND]
    config, prepared, _ = prepared_with(root, prepare={"features": entries})
    others = prepared.validation_rows(0)
    changed = prepared.train.copy()
    for name in ("n", "fold", "a b", "x:y", "text", "y"):
        changed.loc[others, name] = changed.loc[others[::-1], name].to_numpy()
    test = prepared.test.assign(text="other")
    before = spec_of((config, prepared, {}))
    assert spec_of((config, replace(prepared, train=changed, test=test), {})) == before


def test_no_feature_of_a_validation_row_depends_on_its_label(made):
    _, prepared, _ = made
    others = prepared.validation_rows(0)
    changed = prepared.train.copy()
    changed.loc[others, "y"] = changed.loc[others, "y"].map({"0": "1", "1": "0", 0: 1, 1: 0}).to_numpy()
    assert (changed.loc[others, "y"] != prepared.train.loc[others, "y"]).all()
    flipped = replace(prepared, train=changed)
    before, after = (seen(TABLE.plain_view(each, "train", spec_of(made, each)), others).tobytes() for each in (prepared, flipped))
    assert before == after


def test_what_a_training_row_is_learned_by_is_other_rows(made):
    _, prepared, _ = made
    training = prepared.training_rows(0)
    changed = prepared.train.copy()
    row = training[7]
    changed.loc[row, "y"] = {"0": "1", "1": "0", 0: 1, 1: 0}[changed.loc[row, "y"]]
    views = []
    for each in (prepared, replace(prepared, train=changed)):
        spec = {**spec_of(made, each), "numbers": spec_of(made)["numbers"]}
        views.append(TABLE.training_view(each, training, spec, (), 0, 1))
    assert (seen(views[0], [row]) == seen(views[1], [row])).all()
    assert not (seen(views[0], training) == seen(views[1], training)).all()


def test_random_labels_stay_at_chance(prepared_with, tmp_path):
    draws, count = np.random.default_rng(0), 900
    table = rows_of(count, 0).drop(columns="id")
    table["a b"] = draws.choice([f"c{value}" for value in range(300)], count)
    table.insert(0, "id", range(count))
    table.assign(y=draws.integers(0, 2, count)).to_csv(tmp_path / "train.csv", index=False)
    table[:50].to_csv(tmp_path / "test.csv", index=False)
    sections = {"competition": {"metric": "roc_auc"}, "model": {"name": "HistGradientBoosting", "args": {"max_iter": 40}}}
    config, prepared, _ = prepared_with(tmp_path, prepare={"features": EVERY_KIND}, **sections)
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold)) for fold in range(3)]
    scores = validate(prepared, folds, config.validate_).scores
    assert scores.low < 0.5 < scores.high


def test_a_row_read_alone_has_the_numbers_that_it_has_in_the_test_table(made):
    _, prepared, _ = made
    spec = json.loads(json.dumps(spec_of(made)))
    assert spec["features"]["steps"] == spec_of(made)["features"]["steps"]
    whole = seen(TABLE.plain_view(prepared, "test", spec), range(len(prepared.test)))
    assert np.isfinite(whole).all()
    for row in (0, 1, 2, 59):
        alone = seen(OUTSIDE.outside_view(prepared.test.iloc[[row]], spec, None, {}), [0])
        assert alone.tobytes() == whole[[row]].tobytes()


def test_a_checkpoint_makes_them_of_any_rows(made, root, tmp_path):
    config, prepared, _ = made
    train_fold(prepared, 0, 0, config, tmp_path / "fold")
    folds = [FoldResult.load(tmp_path / "fold")]
    outside = pd.read_csv(root / "test.csv", dtype=str, keep_default_na=False)
    _, predictions, _ = predict_outside(folds, outside)
    assert (predictions == Ensemble(folds).predict(PreparedRows(prepared, "test"))).all()
    needed = OUTSIDE.outside_columns(folds[0].spec)
    # `empty` holds nothing and no model reads it; `text` is read for what is made of it alone.
    assert set(needed) == {"n", "fold", "a b", "x:y", "when", "text"}
    with pytest.raises(InputError, match="no column text"):
        predict_outside(folds, outside.drop(columns="text"))


def test_networks_and_linear_models_read_them_too(prepared_with, root, tmp_path):
    for model in ({"name": "linear"}, {"hidden": [8]}):
        config, prepared, _ = prepared_with(root, prepare={"features": EVERY_KIND}, model=model)
        assert np.isfinite(train_fold(prepared, 0, 0, config, tmp_path / str(len(model))).score)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{"name": "count", "of": "a c"}], "there is no column a c; did you mean a b"),
        ([{"name": "target", "of": [["a b", "nn"]]}], "there is no column nn; did you mean n"),
        ([{"name": "count", "of": "y"}], "y is predicted"),
        ([{"name": "ratio", "of": [["n", "a b"]]}], "a b, which holds no numbers"),
        ([{"name": "date", "of": "n"}], "n, which holds no dates"),
        ([{"name": "length", "of": "n"}], "n, which holds no texts"),
        ([{"name": "target", "of": "a b"}, {"name": "count", "of": "a b target"}], "is learned from the target"),
    ],
)
def test_what_cannot_be_made_is_told_before_anything_is_trained(prepared_with, root, entries, message):
    with pytest.raises(InputError, match=message):
        prepared_with(root, prepare={"features": entries})


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "cuont", "of": "a"}, "there is no kind cuont; did you mean count"),
        ({"name": "count", "of": "a", "rowz": "all"}, r"features\.0\.count\.rowz: there is no such key; did you mean rows"),
        ({"name": "ratio", "of": ["a", "b"]}, r"give pairs of columns, \[\[a, b\]\]"),
        ({"name": "part", "of": "a", "pattern": "("}, "is no regular expression"),
        ({"name": "os:system", "of": "a"}, "there is no kind os:system"),
        ("count", "give an entry as {name: count, of"),
    ],
)
def test_a_wrong_entry_is_told(entry, message):
    tree = {"competition": {"path": "x", "modality": "table"}, "prepare": {"features": [entry]}}
    with pytest.raises(InputError, match=message):
        parse_config(tree)


def test_a_name_that_is_taken_is_not_given_twice(prepared_with, root):
    entries = [{"name": "part", "of": "text"}, {"name": "part", "of": "text", "pattern": r"\w$"}]
    config, prepared, _ = prepared_with(root, prepare={"features": entries})
    assert {"text part", "text part'"} <= set(spec_of((config, prepared, {}))["categories"])


OWN = """
class Centred:
    def __init__(self, by=1):
        self.by = by

    def fit(self, frame):
        self.mean = float(frame["n"].mean())

    def transform(self, frame):
        return frame[["n"]].sub(self.mean).div(self.by).rename(columns={"n": "centred"}).assign(word=frame["a b"].str[:1])


class Rate:
    def fit(self, frame, truth):
        self.rates = truth_by(frame, truth)

    def transform(self, frame):
        return frame["a b"].map(self.rates).to_frame("rate")


def truth_by(frame, truth):
    import pandas as pd

    return pd.Series(truth, frame.index).groupby(frame["a b"]).mean().to_dict()


def squares(frame, power=2):
    return frame[["n"]] ** power


def share(frame):
    return frame[["n"]] / frame["n"].sum()



def ten(frame):
    return frame[["n"]].head(10)


def lists(frame):
    return frame[["n"]].map(lambda value: [value])


def nothing(frame):
    return frame[[]]


def twice(frame):
    import pandas as pd

    return pd.concat([frame[["n"]], frame[["n"]]], axis=1)


class NoFrame:
    def fit(self):
        pass

    def transform(self, frame):
        return frame[["n"]]


NUMBER = 3


class Keeps:
    def fit(self, frame):
        self.rows = frame

    def transform(self, frame):
        return frame[["n"]]
"""


@pytest.fixture
def own(own_code):
    (own_code / "features_here.py").write_text(OWN)
    return own_code / "features_here.py"


def test_your_own_are_fitted_and_kept_as_json(prepared_with, root, own):
    entries = [
        {"name": "own.features_here:Centred", "of": ["n", "a b"], "args": {"by": 2}},
        {"name": "own.features_here:squares", "of": ["n"], "args": {"power": 3}},
        {"name": "own.features_here:Rate", "of": ["a b"]},
        {"name": "count", "of": "word"},
    ]
    config, prepared, _ = prepared_with(root, prepare={"features": entries})
    spec = spec_of((config, prepared, {}))
    state = spec["features"]["steps"][0]["learned"]["state"]
    training = prepared.train.iloc[prepared.training_rows(0)]
    assert state == {"by": 2, "mean": pytest.approx(training["n"].astype(float).mean())}
    # The name n is taken by the table's column.
    assert {"centred", "n'", "rate", "word count"} <= set(spec["numbers"]) and "word" in spec["categories"]
    whole = seen(TABLE.plain_view(prepared, "test", spec), range(60))
    again = json.loads(json.dumps(spec))
    assert seen(OUTSIDE.outside_view(prepared.test.iloc[[5]], again, None, {}), [0]).tobytes() == whole[[5]].tobytes()

    # What reads the target is fitted to other rows than the one that it is for.
    rows = prepared.training_rows(0)
    views = TABLE.training_view(prepared, rows, spec, (), 0, 1), TABLE.plain_view(prepared, "train", spec)
    differ = (seen(views[0], rows) != seen(views[1], rows)).any(axis=0)
    names = [name for name, learned in spec["numbers"].items() for _ in range(1 + learned["indicator"])]
    assert {name for name, differs in zip(names, differ, strict=False) if differs} == {"rate"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("share", "makes n .* of a row among others, and 1.0 of it alone"),
        ("Keeps", "keeps rows, which JSON cannot hold"),
        ("shar", "has no shar; did you mean share"),
        ("lists", r"(?s)columns that cannot be read.*n: other cells"),
        ("nothing", "makes no columns"),
        ("twice", "(?s)columns that cannot be read.*n: twice"),
        ("NoFrame", "cannot be called so: too many positional arguments"),
        ("NUMBER", "cannot be called so: 3 is not a callable object"),
    ],
)
def test_your_own_must_make_a_row_what_it_is_alone(prepared_with, root, own, name, message):
    with pytest.raises(InputError, match=message):
        prepared_with(root, prepare={"features": [{"name": f"own.features_here:{name}", "of": ["n"]}]})


def test_arguments_that_your_own_does_not_take_are_refused(prepared_with, root, own):
    entry = {"name": "own.features_here:nothing", "of": ["n"], "args": {"q": 1}}
    with pytest.raises(InputError, match="got an unexpected keyword argument 'q'"):
        prepared_with(root, prepare={"features": [entry]})


def test_your_own_is_tried_on_the_rows_that_it_was_not_fitted_to(prepared_with, root, own, monkeypatch):
    monkeypatch.setattr("goldfold.modalities.table.prepare.TRIED_ON", 10)
    with pytest.raises(InputError, match="of a frame of"):
        prepared_with(root, prepare={"features": [{"name": "own.features_here:ten", "of": ["n"]}]})


def test_a_training_is_known_by_its_features(prepared_with, root, own):
    def key(*entries):
        config, prepared, _ = prepared_with(root, prepare={"features": list(entries)})
        assert PreparedSet.load(prepared.folder).own == prepared.own
        return training_key(prepared, 0, 0, config, ["cpu"]), prepared.own

    mine = {"name": "own.features_here:squares", "of": ["n"]}
    keys = [key(), key({"name": "count", "of": "n"}), key({"name": "count", "of": "a b"}), key(mine)]
    assert len({key for key, _ in keys}) == 4 and key(mine) == keys[3] and key() == keys[0]
    # By these names the identity finds the code.
    assert [own for _, own in keys] == [(), (), (), ("own.features_here:squares",)]
