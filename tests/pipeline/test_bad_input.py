"""Bad input ends with one message, exit code 2, and nothing half-written."""

import re

import cv2
import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def prepare(fresh, set_params):
    """Run the prepare stage on a competition; return what it said."""
    fresh.run("goldfold", "demo", "data/raw/mine", "data/solution.csv")
    set_params(fresh, competition={"path": "data/raw/mine"})

    def run(expect=2):
        said = fresh.run("python", "pipelines/prepare.py", "--out", "data/prepared", expect=expect)
        if expect:
            assert "Traceback" not in said and "To mend it:" in said, said
            assert not list((fresh.folder / "data").glob("*prepared*"))
        return said

    run.clone = fresh
    run.folder = fresh.folder / "data/raw/mine"
    return run


def test_misspelt_keys_and_wrong_values_are_told_together(prepare, set_params):
    set_params(prepare.clone, train__lrr=1, train__monitor="los", prepare__image_size=0)
    said = prepare()
    assert "params.yaml has 3 wrong settings" in said
    assert "train.lrr: there is no such key; did you mean lr?" in said
    assert "train.monitor" in said and "'metric' or 'loss'" in said
    assert prepare.clone.run("make", "-n", "repro").index("goldfold check") < prepare.clone.run("make", "-n", "repro").index(
        "dvc repro"
    )


def test_a_missing_column_and_file_name_what_is_there(prepare, set_params):
    set_params(prepare.clone, competition={"path": "data/raw/mine", "target": "lable"})
    assert "has no column lable; did you mean label?" in prepare()
    set_params(prepare.clone, competition={"path": "data/raw/mine", "train": "trian.csv"})
    assert "there is no table data/raw/mine/trian.csv; did you mean train.csv?" in prepare()
    set_params(prepare.clone, competition={"path": "data/raw/ours"})
    assert "there is no folder data/raw/ours" in prepare()


def test_missing_images_are_told_together(prepare):
    train = pd.read_csv(prepare.folder / "train.csv", dtype=str)
    for name in train["id"][:12]:
        (prepare.folder / "images" / f"{name}.png").unlink()
    said = prepare()
    assert "12 of 1797 rows" in said and "… and 2 more" in said
    assert f"row 2 (id {train['id'][0]})" in said


def test_unreadable_images_are_told_together(prepare):
    for name in sorted((prepare.folder / "images").iterdir())[:3]:
        name.write_bytes(name.read_bytes()[:20])
    said = prepare()
    assert "3 of 1797 images cannot be decoded" in said and "prepare.bad_images: blank" in said


def _changed(prepare, change):
    path = prepare.folder / "train.csv"
    train = pd.read_csv(path, dtype=str)
    change(train).to_csv(path, index=False)
    return prepare()


def test_duplicate_ids(prepare):
    said = _changed(prepare, lambda train: pd.concat([train, train[:1]]))
    assert "repeated ids: 1" in said and "row 1439" in said and "first seen in row 2" in said


@pytest.mark.parametrize("empty", ["", "nan"])
def test_an_empty_target(prepare, empty):
    said = _changed(prepare, lambda train: train.assign(label=["3", empty, *train["label"][2:]]))
    assert "train.csv: rows without label: 1" in said and "row 3" in said


def test_a_class_with_fewer_rows_than_folds(prepare):
    said = _changed(prepare, lambda train: train.assign(label=["rare", *train["label"][1:]]))
    assert re.search(r"rare: 1 row\b", said) and "split.n_folds" in said


def test_a_label_of_the_sample_that_training_never_saw(prepare):
    path = prepare.folder / "sample_submission.csv"
    pd.read_csv(path, dtype=str).assign(label="ten").to_csv(path, index=False)
    said = prepare()
    assert "labels in the sample submission that are not in the training table: 1" in said and "ten" in said


def test_good_input_still_prepares_after_all_that(prepare):
    cv2.imwrite(str(prepare.folder / "unused.png"), np.zeros((4, 4, 3), np.uint8))
    said = prepare(expect=0)
    assert "multiclass" in said
    assert (prepare.clone.folder / "data/prepared/summary.json").is_file()
