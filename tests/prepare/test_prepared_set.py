import json

import numpy as np
import pandas as pd
import pytest
from tests.conftest import write_image

from goldfold.config import SplitConfig
from goldfold.errors import InputError
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prediction import Submission
from goldfold.prepare import PreparedSet, prepare

SPLIT = SplitConfig(n_folds=2, folds=(0, 1))


@pytest.fixture
def root(write_competition):
    return write_competition({"y": list("abababab")}, {"y": "a"})


def prepared(read, root, folder, split=SPLIT):
    return prepare(read(root), split, ImagePrepareConfig(), folder)


def test_what_was_saved_is_loaded(write_competition, read, tmp_path):
    root = write_competition({"y": list("abababab"), "size": ["1,5"] * 8}, {"y": "a"})
    saved, _ = prepared(read, root, tmp_path / "out")
    loaded = PreparedSet.load(tmp_path / "out")
    assert loaded.schema == saved.schema and loaded.schema.column("size").format == {"decimal": ","}
    assert loaded.problem == saved.problem and loaded.fingerprint == saved.fingerprint
    pd.testing.assert_frame_equal(loaded.train, saved.train)
    assert (loaded.folds == saved.folds).all()
    assert loaded.folder == saved.folder and loaded.inputs == saved.inputs


@pytest.mark.parametrize("change", ["a key is missing", "a key is unknown", "the problem has another key", "a table is missing"])
def test_a_prepared_set_of_another_version_says_how_to_make_it_again(root, read, tmp_path, change):
    prepared(read, root, tmp_path / "out")
    path = tmp_path / "out/prepared.json"
    card = json.loads(path.read_text())
    if change == "a key is missing":
        del card["in_time"]
    elif change == "a key is unknown":
        card["hash"] = "x"
    elif change == "the problem has another key":
        card["problem"]["labels"] = card["problem"].pop("classes")
    else:
        (tmp_path / "out/folds.parquet").unlink()
    path.write_text(json.dumps(card))
    with pytest.raises(InputError, match=r"(?s)another version of goldfold.*Error.*dvc repro prepare"):
        PreparedSet.load(tmp_path / "out")


def test_a_fold_trains_on_all_rows_that_it_does_not_validate(root, read, tmp_path):
    saved, _ = prepared(read, root, tmp_path / "out")
    for fold in (0, 1):
        training, validation = saved.training_rows(fold), saved.validation_rows(fold)
        assert sorted([*training, *validation]) == list(range(8))


def test_in_time_a_fold_trains_on_earlier_folds_alone(root, read, tmp_path):
    train = pd.read_csv(root / "train.csv", dtype=str)
    train.assign(day=range(8)).to_csv(root / "train.csv", index=False)
    saved, _ = prepared(read, root, tmp_path / "out", SplitConfig(strategy="time", time="day", n_folds=3, folds=(0,)))
    assert list(saved.training_rows(1)) == [0, 1, 2, 3] and list(saved.validation_rows(1)) == [4, 5]


def test_the_fingerprint_sees_a_label_a_fold_and_a_pixel(root, read, tmp_path):
    prints = [prepared(read, root, tmp_path / "0")[0].fingerprint, prepared(read, root, tmp_path / "1")[0].fingerprint]
    prints.append(prepared(read, root, tmp_path / "2", SplitConfig(n_folds=2, folds=(0, 1), seed=3))[0].fingerprint)
    write_image(root / "images/003.png", 77)
    prints.append(prepared(read, root, tmp_path / "3")[0].fingerprint)
    train = pd.read_csv(root / "train.csv", dtype=str)
    train.assign(y=list("babababa")).to_csv(root / "train.csv", index=False)
    prints.append(prepared(read, root, tmp_path / "4")[0].fingerprint)
    assert prints[0] == prints[1] and len(set(prints)) == 4


def test_the_summary_counts_classes_per_fold(root, read, tmp_path):
    prepared(read, root, tmp_path / "out")
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["folds"]["0"] == {"rows": 4, "classes": {"a": 2, "b": 2}}
    assert summary["rows"] == {"train": 8, "test": 4}


def test_a_failure_leaves_what_was_there(root, read, tmp_path):
    prepared(read, root, tmp_path / "out")
    (root / "images/000.png").write_text("broken")
    with pytest.raises(InputError):
        prepared(read, root, tmp_path / "out")
    assert isinstance(ImageCache.load(PreparedSet.load(tmp_path / "out").folder)[0], np.ndarray)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_few_rows_of_each_class_make_a_set_to_try_things_on(write_competition, read, tmp_path):
    root = write_competition({"label": ["a"] * 20 + ["b"] * 4 + ["c"] * 16}, {"label": ["a"] * 9}, test_rows=9)
    prepared, _ = prepare(read(root), SplitConfig(n_folds=3, folds=(0,)), ImagePrepareConfig(rows=6), tmp_path / "prepared")
    assert prepared.train["label"].value_counts().to_dict() == {"a": 3, "b": 3, "c": 3}
    assert len(prepared.test) == 6 and len(prepared.sample) == 9 and len(ImageCache.load(prepared.folder)) == 15
    answer = Submission(prepared.problem, prepared.sample, prepared.test[["id"]].assign(p_a=0.1, p_b=0.8, p_c=0.1))
    answer.save(tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/submission.csv").set_index("id")["label"]
    assert table[list(prepared.test["id"])].eq("b").all() and table.eq("a").sum() == 3
