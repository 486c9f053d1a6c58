"""The inputs of ../shared/cases/make.py, each a kind that competitions ship: worked out, or a question that names the matter."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from tests.conftest import ROOT

from goldfold.competition import read_competition
from goldfold.config import CompetitionConfig, SplitConfig
from goldfold.errors import InputError, QuestionError
from goldfold.init import propose
from goldfold.modalities.image import pretrained
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.modalities.table.columns import work_out_features
from goldfold.modalities.table.encoding import encode, fit_encoding
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import prepare
from goldfold.prepare.folds import assign_folds

MAKE = ROOT.parent / "shared/cases/make.py"
pytestmark = pytest.mark.skipif(not MAKE.is_file(), reason=f"there is no {MAKE}")
LABEL = {"answer": "label"}
"""The samples are filled with zeros, which leaves open whether labels or probabilities are asked for."""
PIXELS = ["twelve_bits", "alpha"]


@pytest.fixture(scope="module")
def make():
    spec = importlib.util.spec_from_file_location("cases_make", MAKE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def proposed(make, tmp_path, monkeypatch):
    """A function: what init works out of a case."""
    monkeypatch.setattr(pretrained, "where_from", lambda _: None)

    def proposal(case, overrides=LABEL, **more):
        root = tmp_path / case
        root.mkdir()
        monkeypatch.setattr(make, "d", root)
        make.CASES[case]()
        return propose(root, str(root), overrides, **more)

    return proposal


def decided(competition, setting):
    """What was decided of a setting, and why, in words."""
    return " ".join(f"{one.value}, {one.why};" for one in competition.decisions if one.setting == setting)


def settings_of(proposal):
    return {setting.key: setting.value for setting in proposal.settings if not setting.is_remark}


def accuracy(competition):
    """The cross-validated accuracy of a linear model of what a table's model reads."""
    problem, train = competition.problem, competition.train
    columns = [feature.column for feature in work_out_features(competition, {}) if feature.kind != "drop"]
    truth = problem.truth(train)
    numbers, categories = encode(train, columns, fit_encoding(train, columns, truth, problem, "standard", 1, None))
    inputs = np.hstack([numbers, *(np.eye(codes.max() + 1)[codes] for codes in categories.T)])
    return cross_val_score(LogisticRegression(C=100, max_iter=500), inputs, truth, cv=5).mean()


def test_every_case_has_a_test(make):
    tested = {name.removeprefix("test_") for name in globals()}
    assert set(make.CASES) <= tested | set(PIXELS)


def test_category_dtype(proposed):
    root = proposed("category_dtype").competition.root
    config = TablePrepareConfig(columns={"store": "category"})
    competition = read_competition(CompetitionConfig(path=str(root), modality="table", **LABEL), config)
    train, test = competition.train["store"], competition.test["store"]
    assert set(train) == set(test.dropna()) == set("123456") and test.isna().tolist().index(True) == 7
    assert accuracy(competition) > 0.99


def test_training_test_folders(proposed):
    problem = (competition := proposed("training_test_folders", {}).competition).problem
    assert problem.classes == ("apple", "banana") and (len(competition.train), len(competition.test)) == (80, 24)


def test_index_column(proposed):
    competition = proposed("index_column").competition
    assert (competition.problem.id, competition.problem.targets, competition.problem.task) == ("id", ("target",), "binary")
    assert "an index that pandas wrote" in decided(competition, "file")


def test_clock_times(proposed):
    competition = proposed("clock_times").competition
    assert competition.schema.column("departure").kind == "time"
    assert (competition.train["departure"].dt.total_seconds() / 3600).tolist()[:2] == [0, 7 + 13 / 60]


def test_target_fold_regression(proposed):
    competition = proposed("target_fold_regression", {}).competition
    assert (competition.problem.task, competition.problem.targets) == ("regression", ("fold_",))
    assert competition.problem.as_shipped("fold_") == "fold" and list(competition.sample) == ["id", "fold"]


def test_missing_image(proposed):
    proposal = proposed("missing_image")
    assert settings_of(proposal)["competition.modality"] == "image+table"
    (missing,) = proposal.competition.row_files().missing
    assert "row 61 (id 60)" in missing and "images/60.png" in missing


def test_header_numbers(proposed):
    competition = proposed("header_numbers", {}).competition
    assert competition.problem.targets == ("target",) and competition.problem.task == "binary"
    assert list(competition.train.columns) == ["row_number", *"0123456789", "target"] and len(competition.train) == 108


def test_labels_spelled(proposed):
    with pytest.raises(QuestionError, match=r"(?s)N, Y in target, and the training table has No, Yes.*labels: \{"):
        proposed("labels_spelled", {})


def test_labels_spaces(proposed):
    competition = proposed("labels_spaces", {}).competition
    assert competition.problem.classes == ("cat", "dog") and "15 of target cleaned" in decided(competition, "labels")


def test_dayfirst(proposed):
    competition = proposed("dayfirst").competition
    assert competition.schema.column("journey").format == {"format": "%d/%m/%Y"}
    assert (competition.train["journey"].dt.month >= 6).astype(int).astype(str).eq(competition.train["target"]).all()
    assert accuracy(competition) > 0.99


def test_tz(proposed):
    competition = proposed("tz").competition
    when = pd.concat([competition.train["when"], competition.test["when"]], ignore_index=True)
    assert competition.schema.column("when").kind == "date" and str(when.dt.tz) == "UTC"
    assert (when.diff().dropna() == pd.Timedelta(hours=7)).all()


def test_group_nan(proposed):
    competition = proposed("group_nan").competition
    with pytest.raises(InputError, match=r"(?s)10 of 90 training rows have no grp.*row 2\n  row 11"):
        assign_folds(competition.train, competition.problem, SplitConfig(strategy="group", group="grp"))


def test_parquet_date(proposed):
    competition = proposed("parquet_date").competition
    assert competition.schema.column("day").kind == "date" and competition.train["day"].dt.day.tolist()[:3] == [1, 2, 3]


def test_headlines(proposed):
    settings = settings_of(proposed("headlines"))
    assert settings["competition.modality"] == "text" and settings["prepare.columns"] == ["headline"]


def test_int_target(proposed):
    with pytest.raises(QuestionError, match="29 whole numbers from 1 to 29: are they amounts or classes"):
        proposed("int_target", {})


def test_the_metric_says_what_whole_numbers_are(proposed):
    problem = proposed("int_target", {}, evaluation="Mean Absolute Error").competition.problem
    assert (problem.task, problem.metric) == ("regression", "mae")


def test_decimal_comma(proposed):
    competition = proposed("decimal_comma", {}).competition
    assert competition.problem.task == "regression" and competition.train["target"].between(40, 60).all()
    assert competition.train["size"].tolist()[:2] == [0.0, 1.1]
    assert "written as 12,5" in decided(competition, "target")


def test_digit_recognizer(proposed):
    competition = proposed("digit_recognizer", {}).competition
    assert competition.problem.targets == ("label",) and list(competition.sample) == ["ImageId", "Label"]
    assert competition.test[competition.problem.id].tolist() == competition.sample["ImageId"].tolist()


def test_class_columns_prefixed(proposed):
    problem = proposed("class_columns_prefixed", {}).competition.problem
    assert (problem.classes, problem.answer, problem.answer_names) == (("0", "1"), "probability", ("class_0", "class_1"))


@pytest.mark.parametrize("case", PIXELS)
def test_pixels_show_what_is_drawn(proposed, tmp_path, case):
    competition = proposed(case).competition
    config = ImagePrepareConfig(image_size=64, workers=1, audit="off")
    _, summary = prepare(competition, SplitConfig(), config, tmp_path / "prepared")
    drawn = ImageCache.load(tmp_path / "prepared")[0].astype(float).mean(axis=-1)
    assert abs(drawn[:, 4].mean() - drawn[:, 12].mean()) > 200 and abs(drawn[4].mean() - drawn[12].mean()) < 20
    told = " ".join(f"{one['setting']}: {one['value']}" for one in summary["decided"])
    assert {"twelve_bits": "uint16 pixels: 1281 to 1535 become 0 to 255", "alpha": "transparency: laid over white"}[case] in told


def test_repeated_header(proposed):
    competition = proposed("repeated_header").competition
    assert len(competition.train) == 90 and "the header stands again in row 51" in decided(competition, "file")


def test_python_lists(proposed):
    problem = proposed("python_lists", {}).competition.problem
    assert (problem.task, problem.classes) == ("multilabel", ("a", "b", "c"))


def test_extension_of_ids(proposed):
    images = proposed("extension_of_ids").competition.row_files()
    assert images.missing == [] and images.paths[0] == "images/a0.JPG"


def test_lost_and_odd_ids(proposed):
    competition = proposed("lost_and_odd_ids").competition
    assert competition.test["id"].tolist() == competition.sample["id"].tolist()
    assert "'91.0' is '91' there" in decided(competition, "ids")
