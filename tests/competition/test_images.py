"""Each row finds its image as it lies on the disk, or is told which names were looked for and what lies there."""

import numpy as np
import pandas as pd
import pytest
from tests.conftest import write_image

from goldfold.competition import read_solution
from goldfold.competition.row_files import files_of_kind, find_row_files
from goldfold.competition.sides import side_of, side_of_path
from goldfold.config import CompetitionConfig, SplitConfig
from goldfold.errors import InputError
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.files import FILES
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prepare import prepare


@pytest.fixture
def found(tmp_path):
    """The images that a table with these ids finds among files of these names."""

    def find(ids, files, template=None, part="train", **columns):
        for name in files:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n")
        table = pd.DataFrame({"id": ids, **columns})
        return find_row_files(table, "id", tmp_path, files_of_kind(tmp_path, FILES), template, part, FILES)

    return find


@pytest.mark.parametrize(
    ("key", "file"),
    [
        ("a1.jpg", "images/a1.JPG"),
        ("a1", "images/a1.jfif"),
        ("A1.png", "images/a1.jpeg"),
        ("a1.dcm", "images/a1.png"),
        ("a1", "images/a1"),
        ("a1.png", "images/a1"),
        ("x\\a1.png", "x/a1.png"),
        ("./x/a1.png", "x/a1.png"),
        ("/home/me/data/x/a1.png", "x/a1.png"),
        ("C:\\data\\x\\a1.png", "deep/x/a1.png"),
        ("cafe\u0301", "caf\u00e9.png"),
    ],
)
def test_another_spelling_is_bridged_and_told(found, key, file):
    rows = found([key, "b"], [file, "images/b.png"])
    assert rows.paths == [file, "images/b.png"] and not rows.missing
    assert all(file in decision.why for decision in rows.decisions)
    assert rows.decisions or key == "a1"


def test_what_is_there_to_the_letter_wins(found):
    rows = found(["a1.jpg", "A1.jpg"], ["a1.jpg", "A1.jpg", "a1.JPG"])
    assert rows.paths == ["a1.jpg", "A1.jpg"] and not rows.decisions


def test_of_a_path_the_longest_part_that_is_there_counts(found):
    rows = found(["/data/x/1.png", "/data/y/1.png"], ["x/1.png", "y/1.png", "1.png"])
    assert rows.paths == ["x/1.png", "y/1.png"]


def test_an_image_that_is_another_rows_to_the_letter_is_not_taken(found):
    rows = found(["x/1.png", "y/1.png", "y/2.png"], ["y/1.png", "y/2.png"])
    assert rows.paths == ["x/1.png", "y/1.png", "y/2.png"] and len(rows.missing) == 1


def test_two_files_of_one_normal_form_are_asked_about(found):
    with pytest.raises(InputError, match=r"a1\.JPG, .*a1\.Jpg"):
        found(["a1.jpg", "b.jpg"], ["x/a1.JPG", "y/a1.Jpg", "b.jpg"])


def test_two_ids_of_one_normal_form_are_asked_about(found):
    with pytest.raises(InputError, match=r"row 2 \(id a1.jpg\): a1.JPG, which is as near to A1.jpg"):
        found(["a1.jpg", "A1.jpg"], ["a1.JPG"])


def test_each_table_has_folders_of_its_own(found):
    files = ["Training/1.jpg", "Training/2.jpg", "images_test/1.jpg", "images_test/2.jpg"]
    assert found(["1", "2"], files).paths == files[:2]
    assert found(["1", "2"], files, part="test").paths == files[2:]


SIDES = {
    "train": ["train", "TRAIN", "Training", "training_set", "seg_train", "train2017", "imagesTr", "trainset"],
    "test": ["Test", "testing", "test_images", "imagesTs", "stage_1_test_images", "test-set"],
    "validation": ["val", "valid", "Validation", "dev_set"],
    "prediction": ["seg_pred"],
    None: ["trains", "latest", "contest", "testimonials", "constrained", "train_and_test", "cats"],
}


@pytest.mark.parametrize("side", SIDES)
def test_the_side_of_a_folder_is_read_off_its_words(side):
    assert {side_of(folder) for folder in SIDES[side]} == {side}
    assert {side_of_path(f"data/{folder}/cats") for folder in SIDES[side]} == {side}


def test_a_missing_image_is_told_by_its_row_and_the_path_that_was_looked_for(found):
    rows = found(["1", "2", "3"], ["images/1.png", "images/3.png"])
    assert rows.paths[1] == "images/2.png"
    with pytest.raises(
        InputError, match=r"1 of 3 rows .*2 images, such as images/1.png.*\n.*row 3 \(id 2\): no file images/2.png"
    ):
        rows.require_all()


def test_a_file_that_cannot_be_read_is_named(found):
    rows = found(["1", "2", "3"], ["images/1.png", "images/2.dcm", "images/3.png"])
    assert rows.missing == ["train row 3 (id 2): no file images/2.png, only images/2.dcm, which goldfold cannot read"]


def test_a_template_with_a_folder_does_not_look_elsewhere(found):
    rows = found(["1", "2", "3"], ["a/1.png", "b/2.png", "a/3.PNG"], "a/{id}.png")
    assert rows.paths == ["a/1.png", "a/2.png", "a/3.PNG"] and len(rows.missing) == 1


def test_most_rows_without_an_image_are_no_gap(found):
    with pytest.raises(InputError, match="2 of 3 rows of the train table have no image"):
        found(["1", "2", "3"], ["1.png"])


def test_each_table_may_have_a_template(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"}, folder="front")
    for name in ("t0", "t1", "t2", "t3"):
        (root / f"front/{name}.png").rename(root / f"front/{name}_x.png")
    rows = read(root, images={"train": "front/{id}.png", "test": "front/{id}_x.png"}).row_files()
    assert rows.paths[0] == "front/000.png" and rows.paths[-1] == "front/t3_x.png" and not rows.missing


LAYOUTS = {
    "capitals": (["TRAIN/{c}", "TEST/{c}"], 6, 6),
    "words": (["training_set/{c}", "test_set/{c}"], 6, 6),
    "doubled": (["seg_train/seg_train/{c}", "seg_test/seg_test/{c}", "seg_pred/seg_pred"], 6, 6),
    "three parts": (["data/train/{c}", "data/val/{c}", "data/test/{c}"], 12, 6),
    "no test": (["training/training/{c}", "validation/validation/{c}"], 6, 6),
    "copied": (["train/{c}", "test/{c}", "pets/train/{c}", "pets/test/{c}"], 6, 6),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_folders_are_split_by_any_usual_spelling_and_depth(tmp_path, read, name):
    folders, training, test = LAYOUTS[name]
    for at, folder in enumerate(folders):
        for label in ("apple", "banana"):
            for number in range(3):
                part = at % 2 if name == "copied" else at
                write_image(tmp_path / folder.format(c=label) / f"{label}{part}{number}.png", number, (9 + number, 8, 3))
    competition = read(tmp_path)
    assert competition.train["label"].value_counts().to_dict() == {"apple": training // 2, "banana": training // 2}
    assert len(competition.test) == test and "label" not in competition.test
    decided = {decision.setting: decision.value for decision in competition.decisions}
    assert decided["test set"] == "6 images with their labels"
    assert ("folder of predictions" in decided) == (name == "doubled") and ("copies" in decided) == (name == "copied")
    assert ("validation folder" in decided) == (name in ("three parts", "no test"))


def test_a_labelled_test_folder_is_the_local_solution(tmp_path, read):
    for part in ("Training", "Test"):
        for label in ("apple", "banana"):
            for number in range(4):
                write_image(tmp_path / part / label / f"{label}{part}{number}.png", number)
    solution = read_solution(CompetitionConfig(path=str(tmp_path)), read(tmp_path).problem)
    assert list(solution["id"]) == list(read(tmp_path).test["id"])
    assert all(key.startswith(label) for key, label in zip(solution["id"], solution["label"], strict=True))


@pytest.mark.parametrize(("policy", "folds"), [("blank", 0), ("drop", -2)])
def test_a_missing_image_is_left_blank_or_its_row_dropped(write_competition, read, tmp_path, policy, folds):
    root = write_competition({"y": ["0", "1"] * 8}, {"y": "0.5"})
    (root / "images/003.png").unlink()
    (root / "images/t2.png").unlink()
    split = SplitConfig(n_folds=2, folds=(0, 1))
    with pytest.raises(InputError, match=r"2 of 20 rows(?s:.*)\(id 003\): no file images/003.png(?s:.*)test row 4 \(id t2\)"):
        prepare(read(root), split, ImagePrepareConfig(), tmp_path / "prepared")
    prepared, summary = prepare(read(root), split, ImagePrepareConfig(bad_images=policy), tmp_path / "prepared")
    assert min(prepared.folds[3], 0) == folds and (np.delete(prepared.folds, 3) >= 0).all()
    assert summary["inputs"].startswith("images of 8x8 to 8x8")
    assert len(summary["blank"]) == 2 and "images/003.png: there is no such file" in summary["blank"][0]
    images = ImageCache.load(tmp_path / "prepared")
    assert not images[3].any() and not images[18].any() and len(prepared.test) == 4
