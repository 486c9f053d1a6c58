"""What init works out from a competition's files: the real ones, and unfriendly ones."""

import shutil

import pandas as pd
import pytest
from tests.conftest import DEMO_PARAMS, write_image

from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.errors import InputError, QuestionError
from goldfold.init import propose, proposed
from goldfold.init.evaluation import metric_called
from goldfold.init.hosts import HOURS
from goldfold.modalities.image import pretrained


@pytest.fixture(autouse=True)
def _without_the_hub_or_a_host(monkeypatch):
    for variable in HOURS:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(pretrained, "where_from", lambda _: None)


def worked_out(root, evaluation="", **overrides):
    """The sections of params.yaml that init proposes, once it was seen that they read the files as init did."""
    from ruamel.yaml import YAML

    proposal = propose(root, str(root), overrides, evaluation)
    tree = YAML(typ="safe").load(proposed(DEMO_PARAMS.read_text(), proposal.settings))
    config = parse_config(tree)
    again = read_competition(config.competition)
    assert again.problem.to_json() == {**proposal.competition.problem.to_json(), "modality": config.competition.modality}
    return tree


def section(root, **overrides):
    return worked_out(root, **overrides)["competition"]


def test_the_hours_of_a_hosted_notebook_end_the_training_in_time(shared_data, monkeypatch):
    assert worked_out(shared_data / "titanic")["train"]["max_hours"] is None
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    assert worked_out(shared_data / "titanic")["train"]["max_hours"] == 8.5


REAL = {
    "aerial-cactus": {"modality": "image", "target": "has_cactus", "task": "binary", "metric": "roc_auc"},
    "bike-sharing": {"modality": "table", "target": "count", "task": "regression", "sample_submission": "sampleSubmission.csv"},
    "dogs-vs-cats": {"modality": "image", "file_pattern": r"(?P<label>cat|dog)\.\d+", "answer": "probability"},
    "ghouls-goblins": {"modality": "table", "target": "type", "task": "multiclass", "metric": "accuracy"},
    "house-prices": {"modality": "table", "target": "SalePrice", "task": "regression"},
    "houses": {"modality": "image+table", "target": "price", "images": "images/{id}_frontal.jpg"},
    "leaf-classification": {"modality": "image+table", "target": "species", "metric": "log_loss"},
    "malaria-cells": {"modality": "image", "task": "binary", "file_pattern": r"(?P<group>C\d+)"},
    "natural-scenes": {"modality": "image", "id": "image", "task": "multilabel", "metric": "roc_auc"},
    "nlp-getting-started": {"modality": "text", "target": "target", "task": "binary"},
    "spooky-author": {"modality": "text", "target": "author", "task": "multiclass", "metric": "log_loss"},
    "titanic": {"modality": "table", "target": "Survived", "sample_submission": "gender_submission.csv"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_a_real_competition_is_worked_out(shared_data, name):
    # Its sample submission of zeros leaves open what is asked for.
    tree = worked_out(shared_data / name, **({"metric": "f1"} if name == "nlp-getting-started" else {}))
    assert {key: tree["competition"].get(key) for key in REAL[name]} == REAL[name]
    assert tree["split"]["group"] == ("group" if name == "malaria-cells" else None)
    if tree["competition"]["modality"] == "text":
        assert tree["prepare"]["columns"] == ["text"]


@pytest.mark.parametrize(("name", "target", "task"), [("iris", "column5", "multiclass"), ("housing", "column14", "regression")])
def test_a_table_without_a_header_is_known_by_its_numbers(shared_data, name, target, task):
    settings = section(shared_data / "tutorials", train=f"{name}.csv")
    assert (settings["header"], settings["target"], settings["task"]) == (False, target, task) and "id" not in settings


def test_tables_that_could_each_be_the_training_table_are_asked_for(shared_data):
    with pytest.raises(InputError, match=r"(?s)which of these.*iris.csv.*train=NAME"):
        propose(shared_data / "tutorials", "x", {})


def rows(count, start=0, **more):
    numbers = range(start, start + count)
    return pd.DataFrame(
        {"key": list(numbers), "size": [n * 7 % 5 for n in numbers], "colour": [f"c{n % 3}" for n in numbers], **more}
    )


@pytest.fixture
def tables(tmp_path):
    """Write tables of a competition under names of one's own."""

    def write(**named):
        root = tmp_path / "mine"
        root.mkdir(exist_ok=True)
        for name, table in named.items():
            table.to_csv(root / f"{name}.csv", index=False)
        return root

    return write


def test_tables_of_any_name_get_their_roles_by_their_columns(tables):
    test = rows(6, 100)
    root = tables(one=test, two=rows(30, kind=["a", "b", "c"] * 10), three=test[["key"]].assign(kind="a"))
    settings = section(root)
    assert (settings["train"], settings["test"], settings["sample_submission"]) == ("two.csv", "one.csv", "three.csv")
    assert settings["target"] == "kind"


def test_the_values_of_the_target_are_the_columns_that_are_asked_for(tables):
    sample = pd.DataFrame({"key": range(100, 106), "a": 0.3, "b": 0.3, "c": 0.4})
    root = tables(train=rows(30, kind=["a", "b", "c"] * 10, other=["x", "y"] * 15), sample_submission=sample)
    for number in [*range(30), *range(100, 106)]:
        write_image(root / f"pictures/{number}.png", number)
    settings = section(root)
    assert (settings["target"], settings["metric"], settings["modality"]) == ("kind", "log_loss", "image")


@pytest.mark.slow
def test_without_test_and_sample_a_usual_name_is_the_target_else_the_last_column(tables):
    table = rows(40, label=["a", "b"] * 20)
    assert section(tables(data=table[["key", "label", "size", "colour"]]))["target"] == "label"
    assert section(tables(data=table.rename(columns={"label": "kind"})))["target"] == "kind"


@pytest.mark.slow
def test_a_patient_of_many_rows_is_a_group_and_a_category_is_none(tables):
    owners = [f"p{n // 4}" for n in range(120)]
    train = rows(120, patient_id=owners, y=[0, 1] * 60)
    strangers = tables(train=train, test=rows(8, 200, patient_id=[f"q{n // 4}" for n in range(8)]))
    split = worked_out(strangers)["split"]
    assert (split["strategy"], split["group"]) == ("stratified_group", "patient_id")
    with_groups = tables(train=train, test=rows(8, 200, patient_id=[f"p{n}" for n in range(8)]))
    assert worked_out(with_groups)["split"]["group"] is None
    few = tables(train=train.assign(patient_id=["p1", "p2"] * 60), test=rows(8, 200, patient_id="p3"))
    assert worked_out(few)["split"]["group"] is None


@pytest.mark.slow
@pytest.mark.parametrize(("rare", "strategy", "folds"), [(1, "kfold", 5), (3, "stratified", 3), (5, "stratified", 5)])
def test_a_rare_class_is_never_more_than_the_folds_can_share(tables, rare, strategy, folds):
    kinds = (["rare"] * rare + ["a", "b"] * 20)[:40]
    root = tables(train=rows(40, kind=kinds), test=rows(4, 90))
    split = worked_out(root)["split"]
    assert (split["strategy"], split["n_folds"], split["folds"]) == (strategy, folds, list(range(folds)))


def test_test_rows_that_are_later_are_remarked(tables):
    days = pd.date_range("2026-01-01", periods=50).astype(str)
    root = tables(train=rows(40, day=days[:40], y=[0.5, 1.5] * 20), test=rows(10, 40, day=days[40:]))
    text = proposed(DEMO_PARAMS.read_text(), propose(root, "x", {}).settings)
    assert "  time: null # all test rows are later than the training rows: strategy: time with time: day" in text


@pytest.mark.slow
def test_long_texts_with_numbers_beside_them_are_read_together(tables):
    texts = ["the quick brown fox jumps over the lazy dog again", "a ship that sails by night is seen by no one here"] * 20
    train = rows(40, story=[f"{text} {n}" for n, text in enumerate(texts)], y=[0, 1] * 20)
    root = tables(train=train, test=train.drop(columns="y").assign(key=range(100, 140)))
    tree = worked_out(root)
    assert tree["competition"]["modality"] == "text+table" and tree["prepare"]["text"] == {"columns": ["story"]}
    assert worked_out(root, modality="table")["model"] == {"name": "mlp"}


def test_images_in_no_class_folder_and_without_labels_in_their_names_are_asked_for(tmp_path):
    for number in range(6):
        write_image(tmp_path / f"pets/train/{number}.png", number)
    with pytest.raises(InputError, match=r"(?s)in no class folder.*file_pattern.*follow the path"):
        propose(tmp_path / "pets", "x", {})


def test_labels_of_several_words_in_the_names_of_files_are_read_whole_or_asked_about(tmp_path):
    for number, name in enumerate(["no_tumor", "glioma"] * 6):
        write_image(tmp_path / f"scans/train/{name}_{number}.png", number)
        write_image(tmp_path / f"foxes/images/{name.replace('glioma', 'no_fox')}_{number}.png", number)
    assert propose(tmp_path / "scans", "x", {}).competition.problem.classes == ("glioma", "no_tumor")
    for number in range(12, 16):
        write_image(tmp_path / f"foxes/images/bear_{number}.png", number)
    with pytest.raises(QuestionError, match=r"(?s)one word, or with several.*'file_pattern=\(") as asked:
        propose(tmp_path / "foxes", "x", {})
    several, one = ({"file_pattern": reply.value} for reply in asked.value.replies)
    assert propose(tmp_path / "foxes", "x", several).competition.problem.classes == ("bear", "no_fox", "no_tumor")
    assert propose(tmp_path / "foxes", "x", one).competition.problem.classes == ("bear", "no")


def test_a_table_in_parts_is_one_table(tables):
    root = tables(sample_submission=rows(6, 100, y=0.5)[["key", "y"]])
    whole, test = rows(36, y=[0, 1] * 18), rows(6, 100)
    for folder in ("train.parquet", "test.parquet", "train"):
        (root / folder).mkdir()
    for part in range(12):
        whole[part * 3 : part * 3 + 3].to_parquet(root / f"train.parquet/part-{part}.parquet")
    test.to_parquet(root / "test.parquet/part-0.parquet")
    proposal = propose(root, str(root), {})
    assert section(root)["train"] == "train.parquet/*.parquet" and section(root)["test"] == "test.parquet/*.parquet"
    assert proposal.competition.train["key"].tolist() == [str(key) for key in range(36)] and len(proposal.competition.test) == 6

    shutil.rmtree(root / "train.parquet")
    tables(train_1=whole[:20], train_2=whole[20:])
    assert section(root)["train"] == "train_*.csv"
    # Parts repeat no row: these are two versions.
    tables(train_2=whole[10:])
    with pytest.raises(QuestionError, match=r"train_2.csv: the columns are those of train_1.csv"):
        propose(root, str(root), {})


def test_a_table_for_each_row_is_no_part_of_one(tables):
    tables(train=rows(30, y=[0, 1] * 15))
    root = tables(sample_submission=pd.DataFrame({"key": ["seg_1", "seg_2"], "y": 0.5}))
    (root / "test").mkdir()
    for name in ("seg_1", "seg_2"):
        rows(5, 100 * int(name[-1])).to_csv(root / f"test/{name}.csv", index=False)
    with pytest.raises(InputError, match="share no column to learn from"):
        propose(root, str(root), {})


@pytest.mark.slow
def test_a_column_that_names_the_images_is_their_template(tables):
    root = tables(
        train=rows(12, file=[f"f{n}.png" for n in range(12)], y=[0, 1] * 6),
        test=rows(4, 50, file=[f"g{n}.png" for n in range(4)]),
    )
    for name in [f"f{n}" for n in range(12)] + [f"g{n}" for n in range(4)]:
        write_image(root / f"pictures/{name}.png", 1)
    assert section(root)["images"] == "{file}"


def test_rows_of_several_images_are_asked_about(tables):
    train = rows(12, left=[f"{n}.png" for n in range(12)], right=[f"{n * 5 % 12}.png" for n in range(12)], y=[0, 1] * 6)
    root = tables(train=train, test=train[:4].drop(columns="y").assign(key=range(50, 54)))
    for number in range(12):
        write_image(root / f"pictures/{number}.png", number)
    with pytest.raises(QuestionError, match=r"(?s)each row has 2 images.*images: \"\{left\}\".*'images=\"\{left\}\"'"):
        propose(root, str(root), {})
    assert section(root, images="{right}")["images"] == "{right}"

    shutil.rmtree(root / "pictures")
    (root / "test.csv").unlink()
    channels = tables(train=rows(6, y=[0, 1] * 3), sample_submission=rows(4, 50, y=0.5)[["key", "y"]])
    for number in (*range(6), *range(50, 54)):
        for colour in ("red", "green"):
            write_image(channels / f"{'train' if number < 50 else 'test'}/{number:03d}_{colour}.png", number)
    with pytest.raises(QuestionError, match="each row has 2 images") as asked:
        propose(channels, str(channels), {})
    red = {"train": "train/{key:0>3}_red.png", "test": "test/{key:0>3}_red.png"}
    assert red in [reply.value for reply in asked.value.replies] and section(channels, images=red)["images"] == red


def test_each_table_gets_the_template_that_fits_it(tables):
    root = tables(
        train=pd.DataFrame({"id": range(12), "label": [0, 1] * 6, "file": [f"C:\\data\\pics\\p{row}.png" for row in range(12)]}),
        sample_submission=pd.DataFrame({"id": range(20, 24), "label": [0, 1] * 2}),
    )
    for row in range(12):
        write_image(root / f"pics/p{row}.png", row)
    for row in range(20, 24):
        write_image(root / f"others/{row:04d}_x.png", row)
    images = section(root)["images"]
    assert images == {"train": "{file}", "test": "others/{id:0>4}_x.png"}


@pytest.mark.parametrize(("columns", "modality"), [({}, "image"), ({"x": [0.5, 1.5, 2.5] * 5}, "image+table")])
def test_a_missing_image_is_a_policy_and_no_other_kind_of_input(tables, columns, modality):
    train = pd.DataFrame({"id": range(15), **columns, "label": [0, 1, 0] * 5})
    root = tables(train=train, test=train.drop(columns="label").assign(id=range(20, 35)))
    for row in [*range(14), *range(20, 35)]:
        write_image(root / f"images/{row}.png", row)
    settings = propose(root, str(root), {}).settings
    (prepare,) = [one for one in settings if "bad_images" in one.key or "bad_images" in str(one.value)]
    assert worked_out(root)["competition"]["modality"] == modality
    assert prepare.value == ("drop" if modality == "image" else {"image_size": 256, "bad_images": "blank"})
    assert "1 of 30 rows has no image: train row 16 (id 14): no file images/14.png" in prepare.why


def test_images_that_most_rows_do_not_have_are_not_the_rows(tables):
    train = pd.DataFrame({"id": range(15), "x": [0.5, 1.5, 2.5] * 5, "label": [0, 1, 0] * 5})
    root = tables(train=train, test=train.drop(columns="label").assign(id=range(20, 35)))
    for row in range(4):
        write_image(root / f"images/{row}.png", row)
    assert section(root)["modality"] == "table"


def test_overrides_win_and_a_wrong_key_is_an_error(tables):
    root = tables(train=rows(30, y=[0, 1] * 15), test=rows(5, 50))
    assert section(root, metric="f1")["metric"] == "f1"
    with pytest.raises(InputError, match="there is no such key; did you mean target"):
        propose(root, "x", {"traget": "y"})


def test_kaggles_name_of_the_metric_is_taken_where_it_fits(tables):
    root = tables(train=rows(30, y=[n * 1.5 for n in range(30)]), test=rows(5, 50))
    assert worked_out(root, "Root Mean Squared Logarithmic Error")["competition"]["metric"] == "rmsle"
    proposal = propose(root, "x", {}, "Somebody's Own")
    (metric,) = [setting for setting in proposal.settings if setting.key == "competition.metric"]
    assert metric.value == "rmse" and "no metric for Kaggle's Somebody's Own" in metric.why


@pytest.mark.parametrize(
    ("called", "metric"),
    [
        ("Categorization Accuracy", "accuracy"),
        ("Area Under Receiver Operating Characteristic Curve", "roc_auc"),
        ("Mean Columnwise Area Under Receiver Operating Characteristic Curve", "roc_auc"),
        ("Root Mean Squared Error", "rmse"),
        ("Mean Columnwise Root Mean Squared Error", "mcrmse"),
        ("Root Mean Squared Logarithmic Error", "rmsle"),
        ("Multiclass Loss", "log_loss"),
        ("LogLoss", "log_loss"),
        ("Mean Absolute Error", "mae"),
        ("QuadraticWeightedKappa", "quadratic_weighted_kappa"),
        ("F-Score", "f1"),
        ("F_{Score} Macro", "f1_macro"),
        ("MAP@{5}", "map_at_k"),
        ("Normalized Gini Index", "gini"),
        ("Symmetric Mean Absolute Percentage Error", "smape"),
        ("Balanced Accuracy Score", "balanced_accuracy"),
        ("Cohen's Kappa", "cohen_kappa"),
        ("Brier Score", "brier"),
        ("Dice Coefficient", "mean_dice"),
        ("Weighted Multiclass Loss", None),
        ("Intersection over Union", None),
    ],
)
def test_kaggles_names_are_known(called, metric):
    assert metric_called(called) == metric


@pytest.mark.parametrize("beside", ["tables", "class folders"])
def test_json_that_is_no_table_has_no_role_and_is_told(tmp_path, beside):
    (tmp_path / "dataset-metadata.json").write_text('{"title": "x", "id": "a/x", "licenses": [{"name": "CC0-1.0"}]}')
    (tmp_path / "label_num_to_name.json").write_text('{"0": "blight", "1": "rust"}')
    (tmp_path / "broken.json").write_text('{"a": ')
    if beside == "tables":
        rows = pd.DataFrame({"id": range(20), "a": [row * 0.5 for row in range(20)], "sold": [row % 2 for row in range(20)]})
        rows.to_csv(tmp_path / "items.csv", index=False)
    else:
        for at, name in enumerate(["blight", "rust"] * 10):
            write_image(tmp_path / name / f"{at}.png", at)
    proposal = propose(tmp_path, "data/raw/x", {})
    assert len(proposal.competition.train) + len(proposal.competition.test) == 20
    remarks = " ".join(setting.why for setting in proposal.settings if setting.is_remark)
    assert all(name in remarks for name in ("dataset-metadata.json", "label_num_to_name.json", "broken.json"))


def test_a_table_per_class_folder_is_one_table(tmp_path):
    for row, path in enumerate(["train/red", "train/blue", "test/red", "test/blue"]):
        (tmp_path / path).mkdir(parents=True)
        pd.DataFrame({"x": range(row, row + 20), "z": 2.5}).to_csv(tmp_path / path / "data.csv", index=False)
    competition = propose(tmp_path, "raw", {}).competition
    assert competition.problem.classes == ("blue", "red") and len(competition.train) == len(competition.test) == 40
    assert competition.train.loc[competition.train["label"] == "red", "x"].tolist() == list(range(20))


def test_masks_in_the_training_folder_are_not_its_images(tables):
    train = pd.DataFrame({"id": range(12), "label": [0, 1] * 6})
    root = tables(train=train, sample_submission=train[:4].assign(id=range(20, 24)))
    for row in range(12):
        write_image(root / f"train/images/{row}.png", row)
        write_image(root / f"train/masks/{row}.png", row)
    for row in range(20, 24):
        write_image(root / f"test/images/{row}.png", row)
    assert section(root)["images"] == {"train": "train/images/{id}.png", "test": "test/images/{id}.png"}


def test_more_tables_like_the_training_table_are_asked_about(tables):
    root = tables(train=rows(30, y=[0, 1] * 15), train_2=rows(20, 40, y=[0, 1] * 10), test=rows(6, 100))
    tables(solution=rows(6, 100, y=[0, 1] * 3))
    with pytest.raises(QuestionError, match=r"(?s)^train_2.csv: the columns are those of train.csv.*extra: null"):
        propose(root, str(root), {})
    assert section(root, extra="train_2.csv")["extra"] == "train_2.csv"
    assert not [one for one in propose(root, str(root), {"extra": "train_2.csv"}).settings if "train_2" in one.why]
    tables(train_2=rows(20, 40, y=[0, 1] * 10).drop(columns="key"))
    with pytest.raises(QuestionError, match=r"^train_2.csv: the columns are those of train.csv"):
        propose(root, str(root), {})
    assert len(propose(root, str(root), {"extra": None}).competition.train) == 30


def test_a_table_of_training_and_test_rows_is_told_by_the_column_that_says_so(tables):
    root = tables(data=rows(30, y=[0, 1] * 15).assign(Usage=["Training"] * 20 + ["PublicTest"] * 10))
    with pytest.raises(InputError, match=r"(?s)several parts, as its column Usage says.*Training: 20 rows"):
        propose(root, str(root), {})


def test_a_test_table_is_found_by_its_columns_where_its_name_does_not_say_so(tables):
    root = tables(training=rows(30, y=[0, 1] * 15), holdout=rows(6, 30), entry=rows(6, 30, y=0)[["key", "y"]])
    written = section(root, answer="label")
    assert (written["test"], written["sample_submission"]) == ("holdout.csv", "entry.csv")
    tables(other=rows(6, 40))
    assert "test" not in section(root, answer="label", sample_submission=None)


def test_tables_with_a_row_for_every_row_are_joined(tables):
    stores = pd.DataFrame({"size": range(5), "town": list("vwxyz")})
    days = pd.DataFrame({"size": [n % 5 for n in range(15)], "colour": [f"c{n % 3}" for n in range(15)], "warm": range(15)})
    root = tables(train=rows(30, y=[0, 1] * 15), test=rows(6, 100), stores=stores, days=days, few=stores[:3], more=days[:4])
    written = worked_out(root)
    assert written["competition"]["join"] == {"stores.csv": "size", "days.csv": ["size", "colour"]}
    assert {"town", "warm"} <= set(propose(root, str(root), {}).competition.train)
    assert not section(root, join={}).get("join")


def test_a_table_with_several_rows_for_a_row_is_summed_up_and_others_are_named(tables):
    sizes = pd.DataFrame({"size": [n % 5 for n in range(15)], "week": range(15)})
    root = tables(train=rows(30, y=[0, 1] * 15), test=rows(6, 30), sizes=sizes)
    tables(visits=pd.DataFrame({"key": [n % 36 for n in range(90)], "paid": range(90)}))
    written = section(root)["join"]
    assert written == {"visits.csv": {"by": "key", "take": ["count", "mean", "min", "max", "last"]}}
    whys = [setting.why for setting in propose(root, str(root), {}).settings]
    assert any("likely: of several rows" in why for why in whys)
    assert "sizes.csv: 15 rows, with size as in the tables; join can join it: docs/reading.md" in whys


def test_the_two_parts_of_a_table_are_joined_as_one(tables):
    root = tables(train=rows(30, y=[0, 1] * 15), test=rows(6, 30))
    tables(train_more=pd.DataFrame({"key": range(30), "paid": 1}), test_more=pd.DataFrame({"key": range(30, 36), "paid": 2}))
    assert section(root)["join"] == {"train_more.csv": {"by": "key", "beside": ["test_more.csv"]}}
    assert propose(root, str(root), {}).competition.test["paid"].tolist() == [2] * 6


def test_a_plain_text_that_is_called_as_a_table_is_asked_about(tables):
    root = tables(train=rows(30, y=[0, 1] * 15), test=rows(6, 100))
    (root / "sampleSubmission.txt").write_text("key,y\n" + "".join(f"{key},0.5\n" for key in range(100, 106)))
    with pytest.raises(QuestionError, match=r"sampleSubmission.txt: is this text a table, the sample submission\?"):
        propose(root, str(root), {})
    written = worked_out(root, sample_submission="sampleSubmission.txt")["competition"]
    assert written["answer"] == "probability" and section(root, sample_submission=None)["answer"] == "label"


def test_a_target_in_a_table_of_its_own_is_joined_where_it_has_every_row_and_told_where_not(tables):
    train = rows(30)
    labels = train[["key"]].assign(y=[0, 1] * 15)
    root = tables(train=train, train_labels=labels, test=rows(6, 100), sample_submission=labels[:6].assign(key=range(100, 106)))
    written = section(root)
    assert written["join"] == {"train_labels.csv": "key"} and (written["target"], written["task"]) == ("y", "binary")
    assert "y" not in propose(root, str(root), {}).competition.test
    (root / "sample_submission.csv").unlink()
    assert section(root)["target"] == "y"
    tables(train_labels=labels[:20])
    with pytest.raises(InputError, match=r"(?s)train.csv has no column to predict.*train_labels.csv: key, y"):
        propose(root, str(root), {})


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02binary", "id,town\n1,Москва\n".encode("cp1251")])
def test_a_file_beside_the_tables_that_cannot_be_read_is_named_and_stops_nothing(tables, content):
    root = tables(train=rows(30, y=[0, 1] * 15), test=rows(6, 100))
    (root / "notes.csv").write_bytes(content)
    assert "not read: notes.csv" in [one.why for one in propose(root, str(root), {}).settings]
    (root / "train.csv").unlink()
    (root / "test.csv").unlink()
    with pytest.raises(InputError, match=r"notes.csv (is empty|holds NUL bytes|is not written in UTF-8)"):
        propose(root, str(root), {})


def test_features_of_the_training_rows_are_joined_to_their_labels(tables):
    train = rows(30)
    labels = train[["key"]].assign(y=[0, 1] * 15)
    root = tables(
        train_labels=labels,
        train_features=train,
        test_features=rows(6, 100),
        sample_submission=labels[:6].assign(key=range(100, 106)),
    )
    assert section(root)["join"] == {"train_features.csv": "key"}
    assert {"size", "colour"} <= set(propose(root, str(root), {}).competition.train)


def test_a_patient_that_some_rows_lack_is_told(tables):
    train = rows(90, patient_id=[f"p{n // 3}" if n % 9 else "" for n in range(90)], y=[0, 1] * 45)
    root = tables(train=train, test=rows(8, 200, patient_id="q"))
    (group,) = [one for one in propose(root, str(root), {}).settings if one.key == "split.group"]
    assert group.value is None and "rows of one patient_id should stay in one fold, but 10 have none" in group.why


def test_files_that_cannot_be_read_are_named_where_there_is_nothing_to_learn_from(tables):
    train = pd.DataFrame({"id": range(12), "label": [0, 1] * 6})
    root = tables(train=train, sample_submission=train[:4].assign(id=range(20, 24)))
    (root / "0.avi").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"(?s)share no column.*1 files .avi, which goldfold does not read"):
        propose(root, str(root), {})
