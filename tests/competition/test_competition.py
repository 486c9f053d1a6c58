import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import StratifiedKFold
from tests.conftest import write_image

from goldfold.audit import audit
from goldfold.competition import read_solution
from goldfold.competition.demo import write_digits
from goldfold.config import CompetitionConfig, SplitConfig
from goldfold.errors import InputError, QuestionError
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import PreparedSet, prepare
from goldfold.prepare.prepared_set import ALWAYS, LEFT_OUT


def images_of(competition):
    """The images of the training rows, and those of the test rows."""
    images = competition.row_files()
    images.require_all()
    paths = images.paths
    return paths[: len(competition.train)], paths[len(competition.train) :]


def worked_out(competition):
    problem = competition.problem
    return problem.task, problem.answer, problem.metric


@pytest.mark.parametrize(
    ("targets", "sample", "expected"),
    [
        ({"y": ["0", "1"] * 4}, {"y": "0.5"}, ("binary", "probability", "roc_auc")),
        ({"y": ["True", "False"] * 4}, {"y": "False"}, ("binary", "label", "accuracy")),
        ({"y": list("abcabcab")}, {"y": "a"}, ("multiclass", "label", "accuracy")),
        ({"y": list("abcabcab")}, {"c": "0.3", "a": "0.3", "b": "0.4"}, ("multiclass", "probability", "log_loss")),
        ({"u": list("01010101"), "v": list("00110011")}, {"u": "0.2", "v": "0.2"}, ("multilabel", "probability", "roc_auc")),
        ({"y": ["1.5", "2.5"] * 4}, {"y": "0"}, ("binary", "label", "accuracy")),
        ({"y": [str(n + 0.5) for n in range(8)]}, {"y": "0"}, ("regression", "value", "rmse")),
        ({"y": [str(n * n) for n in range(60)]}, {"y": "0"}, ("regression", "value", "rmse")),
    ],
)
def test_task_answer_and_metric_are_worked_out(write_competition, read, targets, sample, expected):
    if expected[1] == "label" and targets.get("y", [""])[0] == "1.5":
        sample = {"y": "1.5"}
    assert worked_out(read(write_competition(targets, sample))) == expected


def test_what_params_yaml_says_wins(write_competition, read):
    root = write_competition({"y": list("01234") * 12}, {"y": "0"})
    assert worked_out(read(root, task="regression", metric="mae")) == ("regression", "value", "mae")
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0"}, name="auc")
    assert worked_out(read(root, metric="roc_auc")) == ("binary", "probability", "roc_auc")


def test_ids_and_labels_stay_as_they_are_written(write_competition, read):
    root = write_competition({"y": ["NA", "None", "null", "007"] * 2}, {"y": "NA"}, ids=[*"abcdef", "007", "1e3"])
    competition = read(root)
    assert list(competition.train["id"][-2:]) == ["007", "1e3"]
    assert competition.problem.classes == ("007", "NA", "None", "null")


def test_whole_numbers_written_with_a_point_meet_those_without(write_competition, read):
    competition = read(write_competition({"y": ["0.0", "1.0"] * 4}, {"y": "1"}), answer="label")
    assert competition.problem.classes == ("0", "1")


def test_numbered_classes_are_ordered_by_number(write_competition, read):
    assert read(write_competition({"y": ["10", "9", "1"] * 3}, {"y": "9"})).problem.classes == ("1", "9", "10")


def test_the_order_of_classes_can_be_given(write_competition, read):
    root = write_competition({"y": ["yes", "no"] * 4}, {"y": "0.5"})
    assert read(root, classes=("yes", "no")).problem.outputs == ("p_no",)


@pytest.mark.parametrize(("folder", "suffix", "with_suffix"), [("a/b/c", ".JPG", False), ("pictures", ".bmp", True)])
def test_images_are_found_at_any_depth_with_any_extension(write_competition, read, folder, suffix, with_suffix):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"}, folder=folder, suffix=suffix)
    if with_suffix:
        for name in ("train", "test", "sample_submission"):
            table = pd.read_csv(root / f"{name}.csv", dtype=str)
            table.assign(id=table["id"] + suffix).to_csv(root / f"{name}.csv", index=False)
    competition = read(root)
    assert str(images_of(competition)[0][1]) == f"{folder}/001{suffix}"
    assert str(images_of(competition)[1][0]) == f"{folder}/t0{suffix}"


def test_the_same_id_in_train_and_test_folders_is_each_sides_own(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"}, folder="train")
    write_image(root / "test/000.png", 99)
    for number in (1, 2, 3):
        (root / f"train/t{number}.png").rename(root / f"test/t{number}.png")
    for name in ("test", "sample_submission"):
        table = pd.read_csv(root / f"{name}.csv", dtype=str)
        table.assign(id=["000", *table["id"][1:]]).to_csv(root / f"{name}.csv", index=False)
    competition = read(root)
    assert str(images_of(competition)[0][0]) == "train/000.png" and str(images_of(competition)[1][0]) == "test/000.png"


def test_an_image_that_could_be_two_is_asked_for(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    write_image(root / "more/000.png", 1)
    with pytest.raises(InputError, match=r"row 2 \(id 000\): images/000.png, more/000.png"):
        images_of(read(root))
    assert str(images_of(read(root, images="images/{id}.png"))[0][0]) == "images/000.png"


def test_without_a_test_table_the_sample_has_the_test_ids(write_competition, read):
    competition = read(write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"}, test_table=False))
    assert list(competition.test["id"]) == ["t0", "t1", "t2", "t3"]


def test_without_a_sample_the_test_table_has_the_test_ids(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    (root / "sample_submission.csv").unlink()
    competition = read(root)
    assert worked_out(competition) == ("binary", "label", "accuracy")
    assert competition.sample.to_dict("list") == {"id": ["t0", "t1", "t2", "t3"], "y": ["0"] * 4}


def test_a_table_without_rows_is_reported(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    (root / "train.csv").write_text("id,y\n")
    with pytest.raises(InputError, match=r"train.csv has no rows"):
        read(root)


@pytest.mark.parametrize(
    "form", [{"sep": ";"}, {"encoding": "latin1"}, {"encoding": "utf-16"}, {"sep": "\t", "encoding": "utf-8-sig"}]
)
def test_tables_in_any_dialect_are_read(write_competition, read, form):
    root = write_competition({"y": ["ö", "ä"] * 4}, {"y": "ä"})
    whole = read(root)
    for name in ("train", "test", "sample_submission"):
        pd.read_csv(root / f"{name}.csv", dtype=str, keep_default_na=False).to_csv(root / f"{name}.csv", index=False, **form)
    again = read(root)
    assert again.problem == whole.problem and again.train.equals(whole.train) and again.sample.equals(whole.sample)


def test_a_quotation_mark_that_is_never_closed_is_reported(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    (root / "train.csv").write_bytes(b'id,y\n000,"0\n')
    with pytest.raises(InputError, match=r"train.csv"):
        read(root)


def test_repeated_ids_of_the_test_table_are_reported_before_they_are_compared(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    (root / "test.csv").write_text("id\nt0\nt0\nt2\nt3\n")
    with pytest.raises(InputError, match=r"test.csv: repeated ids: 1\n  row 3: id t0, first seen in row 2"):
        read(root)


def test_a_short_sample_is_reported(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    pd.read_csv(root / "sample_submission.csv")[:-1].to_csv(root / "sample_submission.csv", index=False)
    with pytest.raises(InputError, match=r"t3 is in test.csv only"):
        read(root)


def test_the_columns_of_the_sample_must_be_the_classes(write_competition, read):
    with pytest.raises(InputError, match="x is in the sample only"):
        read(write_competition({"y": list("abcabc")}, {"a": "1", "b": "0", "x": "0"}))


def test_a_few_words_among_the_numbers_of_a_target_are_asked_about(write_competition, read):
    root = write_competition({"y": [*(str(n / 7) for n in range(1, 60)), "?"]}, {"y": "0"})
    with pytest.raises(InputError, match=r"(?s)numbers but for 1 of 60 .*row 61: '\?'.*task: multiclass"):
        read(root)


def test_a_regression_target_must_be_numbers(write_competition, read):
    with pytest.raises(InputError, match=r"row 3: \?"):
        read(write_competition({"y": ["1.5", "?", *"234567"]}, {"y": "0"}), task="regression")


def folders(root, classes=("cat", "dog"), count=10, test=0):
    for kind in classes:
        for number in range(count):
            write_image(root / "train" / kind / f"{kind}_{number}.png", number)
    for number in range(test):
        write_image(root / "test" / f"{number}.png", 100 + number)
    return root


def test_sub_folders_are_labels_and_the_test_folder_is_the_test_set(tmp_path, read):
    competition = read(folders(tmp_path / "pets", test=3))
    assert worked_out(competition) == ("binary", "label", "accuracy")
    assert competition.train["label"].value_counts().to_dict() == {"cat": 10, "dog": 10}
    assert list(competition.sample.columns) == ["id", "label"]
    assert list(competition.test["id"]) == ["0.png", "1.png", "2.png"]


def test_without_a_test_folder_a_part_is_held_out_the_same_each_time(tmp_path, read):
    root = folders(tmp_path / "pets")
    first, second = read(root, test_fraction=0.2), read(root, test_fraction=0.2)
    assert len(first.test) == 4 and list(first.test["id"]) == list(second.test["id"])
    assert not set(first.test["id"]) & set(first.train["id"])
    assert "label" not in first.test
    solution = read_solution(CompetitionConfig(path=str(root), test_fraction=0.2), first.problem)
    assert list(solution["id"]) == list(first.test["id"])
    assert all(name.startswith(label) for name, label in zip(solution["id"], solution["label"], strict=True))


def test_labels_and_groups_are_read_from_file_names(tmp_path, read):
    for number in range(6):
        write_image(tmp_path / "p" / "train" / f"{'cat' if number % 2 else 'dog'}.{number}.png", number)
    competition = read(tmp_path / "p", file_pattern=r"(?P<label>cat|dog)\.(?P<number>\d+)", test_fraction=0.4)
    assert set(competition.train["label"]) == {"cat", "dog"} and "number" in competition.train
    with pytest.raises(InputError, match="matches 3 of 6 images"):
        read(tmp_path / "p", file_pattern=r"(?P<label>cat)\.")
    with pytest.raises(InputError, match="is no regular expression"):
        read(tmp_path / "p", file_pattern="(")


@pytest.mark.slow
def test_the_embedded_competition_is_laid_out_as_kaggle_does(tmp_path, read):
    for name in "ab":
        write_digits(tmp_path / name / "digits", tmp_path / name / "solution.csv")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)
    competition = read(tmp_path / "a/digits")
    assert (len(competition.train), len(competition.test)) == (1437, 360)
    assert worked_out(competition) == ("multiclass", "label", "accuracy")
    solution = pd.read_csv(tmp_path / "a/solution.csv", dtype=str)
    assert list(solution["id"]) == list(competition.test["id"]) and "label" not in competition.test


@pytest.mark.parametrize(
    ("name", "settings", "rows", "expected"),
    [
        ("aerial-cactus", {}, (3000, 1000), ("binary", "probability", "roc_auc")),
        ("malaria-cells", {"file_pattern": r"(?P<patient>C\d+)"}, (3000, 600), ("binary", "label", "accuracy")),
        ("dogs-vs-cats", {"file_pattern": r"(?P<label>cat|dog)\.\d+"}, (300, 100), ("binary", "probability", "roc_auc")),
        ("natural-scenes", {}, (420, 120), ("multilabel", "probability", "roc_auc")),
        ("houses", {"images": "images/{id}_frontal.jpg", "metric": "rmsle"}, (428, 107), ("regression", "value", "rmsle")),
        ("leaf-classification", {}, (990, 594), ("multiclass", "probability", "log_loss")),
    ],
)
def test_real_layouts_are_read(shared_data, read, name, settings, rows, expected):
    competition = read(shared_data / name, **settings)
    assert (len(competition.train), len(competition.test)) == rows
    assert worked_out(competition) == expected
    assert len(images_of(competition)[0]) == rows[0] and len(images_of(competition)[1]) == rows[1]


def test_a_training_row_never_takes_its_image_from_the_test_folder(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"}, folder="test")
    with pytest.raises(InputError, match=r"no file 000, only test/000.png, which is the test table's"):
        images_of(read(root))
    assert len(images_of(read(root, images="test/{id}.png"))[0]) == 8


def test_extra_rows_of_a_table_are_trained_on_and_never_validated(write_competition, read, tmp_path):
    root = write_competition({"label": list("abababababab")}, {"label": ["a"] * 4})
    for number in range(3):
        write_image(root / f"more/e{number}.png", 50 + number)
    pd.DataFrame({"id": ["e0", "e1", "e2"], "label": ["a", "b", "b"]}).to_csv(root / "extra.csv", index=False)
    competition = read(root, extra="extra.csv")
    assert competition.extra == 3 and len(competition.train) == 15
    prepared, _ = prepare(competition, SplitConfig(n_folds=3, folds=(0,)), ImagePrepareConfig(), tmp_path / "prepared")
    assert prepared.folds[12:].tolist() == [-1] * 3 and prepared.folds[:12].min() == 0
    for fold in range(3):
        assert {12, 13, 14} <= set(prepared.training_rows(fold).tolist())
        assert not {12, 13, 14} & set(prepared.validation_rows(fold).tolist())


def test_extra_rows_of_several_tables_have_weights_and_ids_of_their_own(read, tmp_path):
    root = tmp_path / "pets"
    root.mkdir()
    pd.DataFrame({"id": range(6), "size": range(6), "label": list("ababab")}).to_csv(root / "train.csv", index=False)
    pd.DataFrame({"id": [6, 7], "size": [6, 7]}).to_csv(root / "test.csv", index=False)
    pd.DataFrame({"id": [6, 7], "label": ["a", "a"]}).to_csv(root / "sample_submission.csv", index=False)
    pd.DataFrame({"Size": ["1,5", "2"], "label": ["a", "b"]}).to_csv(root / "old.csv", index=False)
    pd.DataFrame({"label": ["b"]}).to_csv(root / "few.csv", index=False)
    competition = read(root, modality="table", extra=["old.csv", {"path": "few.csv", "weight": 0.25}])
    assert competition.train["id"].tolist()[6:] == ["old_0", "old_1", "few_0"]
    assert competition.train["size"].tolist()[6:8] == [1.5, 2] and np.isnan(competition.train["size"].iloc[8])
    assert competition.weights.tolist() == [1] * 8 + [0.25]
    told = {decision.value: decision.why for decision in competition.decisions if decision.setting == "file"}
    assert told["few.csv: 1 rows"] == "few.csv lacks id, size of train.csv"
    assert read(root, extra="old.csv").weights is None
    prepared, _ = prepare(competition, SplitConfig(n_folds=3, folds=(0,)), TablePrepareConfig(), tmp_path / "prepared")
    assert PreparedSet.load(prepared.folder).weights.tolist() == competition.weights.tolist()


def test_extra_rows_that_repeat_training_rows_are_left_out_and_the_fold_stays(read, tmp_path):
    root = tmp_path / "pets"
    root.mkdir()
    cells = np.random.default_rng(0).normal(size=(40, 4)).round(6).astype(str)
    rows = pd.DataFrame(cells, columns=list("wxyz")).assign(label=["a", "b"] * 20)
    rows[:30].to_csv(root / "train.csv", index_label="id")
    rows[30:36].drop(columns="label").set_axis(range(30, 36)).to_csv(root / "test.csv", index_label="id")
    rows.iloc[[2, 31, 38]].to_csv(root / "old.csv", index=False)
    competition = read(root, modality="table", extra="old.csv")
    split = SplitConfig(n_folds=3, folds=(0,))
    prepared, summary = prepare(competition, split, TablePrepareConfig(), tmp_path / "prepared")
    assert prepared.folds[30:].tolist() == [LEFT_OUT, ALWAYS, ALWAYS] and prepared.folds[:30].min() == 0
    assert ("extra", "1 of 3 rows left out") in {(told["setting"], told["value"]) for told in summary["decided"]}
    found = audit(prepared, competition, TablePrepareConfig()).findings
    # The copy of a training row is not trained on, that of a test row is.
    assert [finding.message[:14] for finding in found if finding.about == "train and test"] == ["1 of 6 test ro"]
    assert "duplicates across folds" not in {finding.about for finding in found}


def test_several_rows_for_a_key_are_summed_up(read, tmp_path):
    root = tmp_path / "shop"
    root.mkdir()
    pd.DataFrame({"id": range(6), "y": [1.5, 2, 3, 4, 5, 7]}).to_csv(root / "train.csv", index=False)
    pd.DataFrame({"id": [6, 7]}).to_csv(root / "test.csv", index=False)
    (root / "visits.csv").write_text(
        "id,paid,on,shop\n0,$1,31/01/2020,a\n01,$5,01/02/2020,b\n1.0,$2,03/02/2020,b\n1,,05/01/2020,a\n6,$9,05/01/2020,a\n"
    )
    everything = ["count", "mean", "deviation", "min", "max", "sum", "last", "distinct"]
    competition = read(root, modality="table", join={"visits.csv": {"by": "id", "take": everything}})
    row = competition.train.iloc[1]
    assert [row[f"paid {one}"] for one in everything[1:6]] == [3.5, 1.5, 2, 5, 7] and pd.isna(row["paid last"])
    assert (row["visits count"], row["on min"].day, row["on max"].day, row["on last"].day) == (3, 5, 3, 5)
    assert (row["shop last"], row["shop distinct"]) == ("a", 2) and "shop mean" not in competition.train
    assert competition.train["visits count"].tolist() == [1, 3, 0, 0, 0, 0] and competition.test["visits count"].tolist() == [
        1,
        0,
    ]
    with pytest.raises(InputError, match=r"(?s)several rows for a id.*visits.csv: \{by: id, take: \[count, mean, last\]\}"):
        read(root, modality="table", join={"visits.csv": "id"})


def test_a_table_is_joined_by_its_key_however_that_is_spelt(read, tmp_path):
    root = tmp_path / "sales"
    root.mkdir()
    pd.DataFrame({"id": range(6), "store": [1, 2, 1, 2, 1, 3], "sold": [1.5, 2, 3, 4, 5, 7]}).to_csv(
        root / "train.csv", index=False
    )
    pd.DataFrame({"id": [6, 7], "store": [2.0, 9.0]}).to_csv(root / "test.csv", index=False)
    pd.DataFrame({"store": ["01", "02", "03"], "town": list("xyz"), "id": ["-", "+", "*"]}).to_csv(
        root / "stores.csv", index=False
    )
    competition = read(root, modality="table", join={"stores.csv": "store"})
    assert competition.train["town"].tolist() == list("xyxyxz") and competition.train["id"].tolist() == list("012345")
    assert competition.test["town"].tolist()[0] == "y" and pd.isna(competition.test["town"].iloc[1])
    told = {decision.value: decision.why for decision in competition.decisions if decision.setting == "file"}
    assert told["test.csv: 2 rows"] == "town joined from stores.csv by store, which has no row for 1 of its rows"
    with pytest.raises(InputError, match=r"(?s)stores.csv has no row for any id of train.csv.*train.csv has 0; stores.csv has -"):
        read(root, join={"stores.csv": "id"})
    with pytest.raises(InputError, match=r"has no column shop"):
        read(root, join={"stores.csv": "shop"})
    pd.DataFrame({"store": ["1", "1"], "town": list("xy")}).to_csv(root / "stores.csv", index=False)
    with pytest.raises(InputError, match=r"(?s)several rows for a store.*row 3: 1"):
        read(root, join={"stores.csv": "store"})


def test_shared_folds_leave_extra_rows_out_and_tell_of_duplicates_that_are_moved(read, tmp_path):
    cells = np.random.default_rng(0).normal(size=(40, 4)).round(6).astype(str)
    rows = pd.DataFrame(cells, columns=list("wxyz")).assign(label=list("aab") * 10 + ["a", "b"] * 5)
    shared = np.full(30, -1)
    splitter = StratifiedKFold(5, shuffle=True, random_state=42)
    for fold, (_, validation) in enumerate(splitter.split(rows[:30], rows["label"][:30])):
        shared[validation] = fold
    other = next(row for row in range(1, 30) if shared[row] != shared[0] and rows["label"][row] == "a")
    rows.iloc[other] = rows.iloc[0]
    rows[:30].to_csv(tmp_path / "train.csv", index_label="id")
    rows[30:36].drop(columns="label").set_axis(range(30, 36)).to_csv(tmp_path / "test.csv", index_label="id")
    rows[36:].to_csv(tmp_path / "old.csv", index=False)
    competition, split = read(tmp_path, modality="table", target="label", extra="old.csv"), SplitConfig(like="kaggle-42")
    kept = prepare(competition, split, TablePrepareConfig(duplicates="keep"), tmp_path / "prepared")[0]
    assert kept.folds.tolist() == [*shared, *[ALWAYS] * 4]
    moved, summary = prepare(competition, split, TablePrepareConfig(), tmp_path / "prepared")
    assert (moved.folds[:30] != shared).sum() == 1
    assert any("duplicates: keep leaves them in the folds of kaggle-42" in told["why"] for told in summary["decided"])


def test_extra_rows_of_class_folders(read, tmp_path):
    for label in "ab":
        for number in range(4):
            write_image(tmp_path / f"pets/train/{label}/{number}{label}.png", number)
            write_image(tmp_path / f"pets/more/{label}/{number}{label}.png", 50 + number)
    competition = read(tmp_path / "pets", extra="more")
    assert competition.extra == 8
    assert set(competition.train["id"][-8:]) == {f"more/{label}/{n}{label}.png" for label in "ab" for n in range(4)}
    assert all(str(path).startswith("more/") for path in images_of(competition)[0][-8:])


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("no.csv", "there is no .*no.csv"),
        ("images", "is a folder"),
        ("train.csv", "4 ids are in the training table too"),
    ],
)
def test_extra_rows_that_cannot_be_are_reported(write_competition, read, extra, message):
    root = write_competition({"label": list("abab")}, {"label": ["a"] * 4})
    with pytest.raises(InputError, match=message):
        read(root, extra=extra)


def test_a_target_in_percent_is_no_number_until_its_scale_is_clear(write_competition, read):
    root = write_competition({"share": [f"{row}.5%" for row in range(12)]}, {"share": ["0.1"] * 4})
    with pytest.raises(InputError, match=r"share is written in %: is 0.5% to be answered"):
        read(root)


def test_a_target_of_one_value_is_refused(write_competition, read):
    root = write_competition({"label": ["digits"] * 8}, {"label": ["digits"] * 4})
    with pytest.raises(InputError, match="label has one value only, digits"):
        read(root)


def test_a_target_that_is_different_in_each_row_is_refused(write_competition, read):
    root = write_competition({"caption": [f"photo {row} of a cat" for row in range(12)]}, {"caption": "a cat"})
    with pytest.raises(InputError, match=r"(?s)caption has 12 different texts in 12 training rows.*photo 0 of a cat"):
        read(root)


def test_labels_of_several_in_one_column_are_read(write_competition, read):
    root = write_competition({"tags": ["a,b", "b", "", "c,a"] * 2}, {"tags": ""})
    problem = read(root, task="multilabel", target="tags").problem
    assert (problem.answer, problem.metric, problem.classes, problem.separator) == ("set", "f1_micro", ("a", "b", "c"), ",")
    assert problem.truth(pd.DataFrame({"tags": ["c, a", ""]})).tolist() == [[1, 0, 1], [0, 0, 0]]


def test_ids_may_differ_by_their_extension(write_competition, read):
    root = write_competition({"y": ["0", "1"] * 4}, {"y": "0.5"})
    table = pd.read_csv(root / "test.csv", dtype=str)
    table.assign(id=table["id"] + ".png").to_csv(root / "test.csv", index=False)
    assert list(read(root).test["id"]) == ["t0", "t1", "t2", "t3"]


def test_a_regression_is_rounded_where_its_metric_needs_labels(write_competition, read):
    root = write_competition({"y": list("01234") * 4}, {"y": "0"})
    problem = read(root, task="regression", metric="quadratic_weighted_kappa").problem
    assert (problem.answer, problem.grades) == ("label", tuple("01234"))
    root = write_competition({"y": [str(n / 7) for n in range(60)]}, {"y": "0"}, name="many")
    with pytest.raises(InputError, match="there are 60 different values of y"):
        read(root, task="regression", metric="quadratic_weighted_kappa")


def test_grades_in_words_have_the_order_that_is_given(write_competition, read):
    root = write_competition({"y": ["low", "middle", "high", "low"] * 5}, {"y": "low"})
    with pytest.raises(InputError, match=r"(?s)words have no order.*competition.classes: \[low, middle, high\]"):
        read(root, metric="quadratic_weighted_kappa")
    problem = read(root, metric="quadratic_weighted_kappa", classes=["low", "middle", "high"]).problem
    assert problem.classes == ("low", "middle", "high")


@pytest.mark.parametrize(
    ("targets", "sample", "settings", "message"),
    [
        ({"y": list("0101")}, {"y": "0.5"}, {"metric": {"name": "log_loss", "mask": "gone"}}, "has no column gone"),
        ({"y": list("0101")}, {"y": "0.5"}, {"metric": {"name": "log_loss", "wight": 1}}, "log_loss takes no wight"),
        (
            {"y": list("0101")},
            {"y": "0.5"},
            {"metric": {"name": "fbeta", "average": "macroo"}},
            "average of fbeta is not macroo; did you mean macro?",
        ),
        ({"y": list("0101")}, {"y": "0.5"}, {"answer_id": "y"}, "no column identifies a row"),
        ({"u": list("0121"), "v": ["-1", "1", "1", "1"]}, {"u": "0", "v": "0"}, {"task": "multiclass"}, "not votes from 0 up"),
        ({"u": list("0121"), "v": list("0111")}, {"u": "0", "v": "0"}, {"task": "multiclass"}, "rows without a vote"),
        ({"y": ["big a", "b", "c", "b"]}, {"y": "b"}, {"metric": "map_at_k"}, "separates its labels"),
        (
            {"u": list("0110"), "v": list("0111")},
            {"p": "0"},
            {"target": ("u", "v"), "pair_id": "{id}"},
            "does not name both id and",
        ),
        (
            {"u": list("0110"), "v": list("0111")},
            {"p": "0"},
            {"target": ("u", "v"), "pair_id": "{id}_{label}"},
            "t0_u is in test.csv only",
        ),
    ],
)
def test_what_an_answer_cannot_be_is_reported(write_competition, read, targets, sample, settings, message):
    with pytest.raises(InputError) as caught:
        read(write_competition(targets, sample), **settings)
    assert message in str(caught.value)


def shared_answers(write_competition, groups, labels):
    root = write_competition({"y": labels, "breast": groups}, {"y": "0.5"})
    pd.DataFrame({"id": ["t0", "t1", "t2"], "breast": ["r", "l", "r"]}).to_csv(root / "test.csv", index=False)
    pd.DataFrame({"breast": ["l", "r"], "y": "0.5"}).to_csv(root / "sample_submission.csv", index=False)
    return root


def test_rows_may_share_an_answer(write_competition, read, tmp_path):
    root = shared_answers(write_competition, list("aabbccdd") * 2, list("00110011") * 2)
    competition = read(root, answer_id="breast", id="id", target="y")
    assert competition.problem.answer_id == "breast" and list(competition.test["id"]) == ["t1", "t0", "t2"]
    with pytest.raises(InputError, match=r"set split.strategy: stratified_group and split.group: breast"):
        prepare(competition, SplitConfig(n_folds=2, folds=(0,)), ImagePrepareConfig(), tmp_path / "prepared")
    split = SplitConfig(strategy="stratified_group", group="breast", n_folds=2, folds=(0,))
    prepare(competition, split, ImagePrepareConfig(), tmp_path / "prepared")


def test_rows_that_share_an_answer_share_the_target(write_competition, read):
    root = shared_answers(write_competition, list("aabb"), list("0111"))
    with pytest.raises(InputError, match="breast a"):
        read(root, answer_id="breast", id="id", target="y")


@pytest.mark.parametrize("column", ["cat", "cat_probability", "is_cat"])
def test_one_column_of_a_binary_sample_is_the_class_that_it_names(write_competition, read, column):
    root = write_competition({"y": ["cat", "dog"] * 4}, {column: "0.5"})
    assert read(root, target="y").problem.outputs == ("p_cat",)


@pytest.mark.parametrize(("labels", "sample"), [("123", ["1.0"] * 4), ("01", ["0.0", "1.0"] * 2)])
def test_a_sample_may_write_whole_labels_with_a_point(write_competition, read, labels, sample):
    problem = read(write_competition({"y": list(labels) * 4}, {"y": sample})).problem
    assert (problem.answer, problem.classes) == ("label", tuple(f"{label}.0" for label in labels))


@pytest.mark.parametrize(
    ("labels", "sample", "settings", "keys", "question"),
    [
        (["cat", "dog"], ["0", "1"], {}, ["labels", "labels", "answer"], "y is cat or dog in the training table"),
        (["cat", "dog"], ["0"], {"metric": "accuracy"}, ["labels", "labels"], "y is cat or dog in the training table"),
        (["yes", "no"], ["1", "0"], {}, ["labels", "labels", "answer"], "y is no or yes in the training table"),
        (["a", "b", "a|b", "b|c", "c"], ["a"], {}, ["task", "task"], r"2 labels such as 'a\|b'.*several of 3"),
        (["a", "b", "a b", "b c", "c"], ["a"], {}, ["task", "task"], "2 labels such as 'a b'.*several of 3"),
        ([*["a", "b", "c"] * 20, "?"], ["a"], {}, ["labels"], r"y is '\?' in 1 of 61 training rows"),
    ],
)
def test_labels_that_can_be_read_in_two_ways_are_a_question(write_competition, read, labels, sample, settings, keys, question):
    labels = (labels * 4)[: max(16, len(labels))]
    root = write_competition({"y": labels}, {"y": (sample * 4)[:4]})
    with pytest.raises(QuestionError, match=question) as caught:
        read(root, **settings)
    assert [reply.key for reply in caught.value.replies] == keys
    reply = caught.value.replies[0]
    problem = read(root, **{**settings, reply.key: reply.value}).problem
    assert problem.classes == (("0", "1") if keys[0] == "labels" and len(keys) > 1 else problem.classes)


@pytest.mark.parametrize("mark", [" ", ",", "|"])
def test_labels_that_are_several_columns_of_the_sample_are_several_labels(write_competition, read, mark):
    tags = ["bark", f"bark{mark}meow", "meow", f"chirp{mark}bark"] * 3
    competition = read(write_competition({"tags": tags}, dict.fromkeys(("bark", "chirp", "meow"), "0.5")))
    assert worked_out(competition) == ("multilabel", "probability", "roc_auc")
    assert competition.problem.truth(competition.train)[:4].tolist() == [[1, 0, 0], [1, 0, 1], [0, 0, 1], [1, 1, 0]]


def test_labels_of_several_words_are_classes_and_an_asked_for_word_is_meant(write_competition, read):
    owls = ["barn owl", "snowy owl", "tawny owl", "none"]
    problem = read(write_competition({"y": owls[:3] * 20 + owls[3:]}, {"y": "none"})).problem
    assert (problem.task, problem.classes) == ("multiclass", ("barn owl", "none", "snowy owl", "tawny owl"))


def test_several_targets_of_truths_are_0_and_1(write_competition, read):
    targets = {"u": ["True", "False"] * 4, "v": ["TRUE", "true", "False", "FALSE"] * 2}
    competition = read(write_competition(targets, {"u": "0.5", "v": "0.5"}))
    assert worked_out(competition) == ("multilabel", "probability", "roc_auc")
    assert competition.train["v"].tolist() == [1, 1, 0, 0] * 2


def test_a_class_that_training_lacks_is_asked_about_as_it_is_spelt(write_competition, read):
    root = write_competition({"y": ["Cat", "Dog", "Elk"] * 4}, {f"p_{name}": "0.25" for name in ("Cat", "Dog", "Elk", "Fox")})
    with pytest.raises(QuestionError, match="asks for p_Fox") as caught:
        read(root, target="y")
    assert caught.value.replies[0].value == ["Cat", "Dog", "Elk", "Fox"]


def test_a_sample_in_another_form_of_unicode_is_answered_in_its_own(write_competition, read):
    composed, apart = "caf\u00e9", "cafe\u0301"
    problem = read(write_competition({"y": [composed, "tea", "ale"] * 4}, {"y": [apart, "tea", "ale", "tea"]})).problem
    assert set(problem.classes) == {apart, "tea", "ale"}


def test_columns_that_two_tables_spell_otherwise_are_one(write_competition, read):
    root = write_competition({"y": list("abab"), "Age in years": list("1234")}, {"y": "a"})
    test = pd.read_csv(root / "test.csv", dtype=str)
    test.assign(age_in_years=range(len(test))).to_csv(root / "test.csv", index=False)
    competition = read(root, target="y")
    assert list(competition.test) == ["id", "Age in years"]
    assert any("age_in_years is called Age in years, as in train.csv" in decision.why for decision in competition.decisions)


def test_a_row_of_totals_is_no_row(write_competition, read):
    root = write_competition({"y": list("ababa")}, {"y": "a"}, ids=["1", "2", "3", "4", "Total:"])
    with pytest.raises(InputError, match=r"train\.csv: the last row is no row of data: its id is 'Total:'"):
        read(root)


@pytest.mark.parametrize("name", ["id", "id.png"])
def test_without_a_test_table_the_images_of_a_test_folder_are_the_test_set(tmp_path, read, name):
    ids = [f"{side}{row}" for side in ("a", "b") for row in range(6)]
    for row, stem in enumerate([*ids, "t0", "t1"]):
        write_image(tmp_path / ("test" if stem[0] == "t" else "train") / f"{stem}.png", row)
    suffix = ".png" if name == "id.png" else ""
    pd.DataFrame({"file": [f"{stem}{suffix}" for stem in ids], "label": [stem[0] for stem in ids]}).to_csv(
        tmp_path / "labels.csv", index=False
    )
    competition = read(tmp_path, train="labels.csv", target="label")
    assert competition.test["file"].tolist() == [f"t0{suffix}", f"t1{suffix}"] and len(competition.train) == 12
    assert images_of(competition)[1] == ["test/t0.png", "test/t1.png"]

    for path in (tmp_path / "test").iterdir():
        path.unlink()
    competition = read(tmp_path, train="labels.csv", target="label")
    assert images_of(competition)[1] == [f"train/{stem.removesuffix('.png')}.png" for stem in competition.test["file"]]


def test_a_column_that_only_permutes_the_samples_count_may_not_be_its_id(write_competition, read):
    root = write_competition({"y": list("abab"), "rank": list("3142")}, {"y": "a"})
    for name, columns in (("train", {"rank": [3, 1, 4, 2]}), ("test", {"rank": [2, 4, 1, 3]}), ("sample_submission", {})):
        rows = pd.read_csv(root / f"{name}.csv", dtype=str)
        rows = rows.drop(columns="id").assign(**columns)
        if name == "sample_submission":
            rows.insert(0, "Id", range(1, 5))
        rows.to_csv(root / f"{name}.csv", index=False)
    with pytest.raises(QuestionError, match="does it count the test rows, or is it their rank") as caught:
        read(root, target="y")
    counted, named = (read(root, target="y", id=reply.value) for reply in caught.value.replies)
    assert counted.test["rank"].tolist() == [2, 4, 1, 3] and named.test["rank"].tolist() == ["1", "2", "3", "4"]


@pytest.mark.parametrize("answer", ["set", "ranking", "mask", "value", "confidence"])
def test_an_answer_that_the_task_cannot_give_is_refused(write_competition, read, answer):
    root = write_competition({"y": ["cat", "dog"] * 6}, {"y": "cat"})
    with pytest.raises(InputError, match=rf"(?s)a binary task has no answer of kind {answer}.*one of label, probability"):
        read(root, answer=answer, metric={"name": "accuracy"})
