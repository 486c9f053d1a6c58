import dataclasses
import re
import shutil

import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.errors import InputError
from goldfold.files import write_json
from goldfold.modalities.table.columns import Feature
from goldfold.pages.html import number
from goldfold.prepare import PreparedSet
from goldfold.report import About, build_report, save_report
from goldfold.report.calibration import claims, expected_calibration_error, reliability
from goldfold.report.errors import confusions
from goldfold.schema import Column
from goldfold.training import train_fold
from goldfold.validation.cross_validation import scored, validate

pytestmark = pytest.mark.slow

ABOUT = About("a <run>", {"train.lr": "0.01", "seed": "<0>"}, {"mlflow.source.git.commit": "abc123"}, 0.987654)


@pytest.fixture(scope="module")
def folds(digits, settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("folds")
    return [train_fold(digits, fold, 0, settings(epochs=3, lr=0.01), folder / str(fold)) for fold in (0, 2)]


@pytest.fixture(scope="module")
def cv(digits, folds):
    return validate(digits, folds, ValidateConfig(bootstrap=50))


@pytest.fixture(scope="module")
def page(digits, cv, folds):
    return build_report(digits, cv, folds, ABOUT)


def sections(page):
    return dict(re.findall(r'<section id="(\w+)">(.*?)</section>', page, flags=re.DOTALL))


def cells(html):
    rows = re.findall(r"<tr>(.*?)</tr>", html, flags=re.DOTALL)
    return [[re.sub("<.*?>", "", cell) for cell in re.findall(r"<t[dh].*?>(.*?)</t[dh]>", row)] for row in rows]


def test_the_page_needs_no_other_file(page, tmp_path):
    assert not re.findall(r"<(?:script|link|iframe|object)|@import|url\(", page)
    assert all(address.startswith("data:image/") for address in re.findall(r'src="(.*?)"', page))
    assert all(address.startswith("#") for address in re.findall(r'href="(.*?)"', page))
    save_report(page, tmp_path / "report/report.html")
    assert (tmp_path / "report/report.html").stat().st_size < 3e6


def test_it_has_each_section_and_links_to_it(page):
    names = ["curves", "errors", "classes", "calibration", "worst", "columns", "data", "settings", "environment"]
    assert list(sections(page)) == names == re.findall(r'<a href="#(\w+)">', page)


def test_the_headline_is_that_of_the_result(page, cv):
    lead = page.partition("<section")[0]
    scores = cv.scores
    told = [number(value) for value in (scores.score, scores.low, scores.high, scores.mean, *scores.folds.values(), 0.987654)]
    assert all(value in lead for value in told)
    assert f"bootstrap of {scores.rows} rows" in lead and "more is better" in lead


def test_what_people_wrote_is_escaped(page):
    assert "a &lt;run&gt;" in page and "<run>" not in page
    assert ["seed", "&lt;0&gt;"] in cells(sections(page)["settings"])


def test_curves_and_folds_are_those_of_the_histories(page, folds):
    curves = sections(page)["curves"]
    assert curves.count("<polyline") == len(folds) * 4
    rows = {row[0]: row[1:] for row in cells(curves)}
    for fold in folds:
        assert rows[f"fold {fold.fold}"][:3] == [number(fold.score), number(fold.loss), f"{fold.epoch + 1} of 3"]


def test_the_confusion_matrix_counts_each_row_once(page, cv):
    problem = cv.problem
    truth, said = problem.truth(cv.oof), problem.predictions(cv.oof).argmax(axis=1)
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (truth, said), 1)
    found = [[int(cell or 0) for cell in row[1:]] for row in cells(sections(page)["errors"])[1:]]
    assert found == counts.tolist()
    recall = {row[0]: row[5] for row in cells(sections(page)["classes"])[1:]}
    assert recall["3"] == f"{counts[3, 3] / counts[3].sum():.4f}"


def test_the_calibration_error_is_that_of_the_predictions(page, cv):
    bins = reliability(*claims(cv.problem, cv.problem.truth(cv.oof), cv.problem.predictions(cv.oof)))
    assert f"error {expected_calibration_error(bins):.4f}" in sections(page)["calibration"]


def test_the_worst_errors_come_with_image_and_heat_map(page, cv):
    worst = sections(page)["worst"]
    assert re.findall(r'class="small">(\S+) · fold', worst) == list(cv.worst["id"][:24])
    assert worst.count("<img") == 48 and "Grad-CAM" in worst


def test_a_network_without_a_map_is_told_as_such(digits, cv, folds, monkeypatch):
    monkeypatch.setattr("goldfold.modalities.image.saliency.heat_maps", lambda *_: None)
    worst = sections(build_report(digits, cv, folds, ABOUT))["worst"]
    assert worst.count("<img") == 24 and "this network has no feature map" in worst


def test_the_audit_is_told_where_there_was_one(digits, cv, tmp_path):
    prepared = dataclasses.replace(digits, folder=tmp_path)
    shutil.copytree(digits.folder, tmp_path, dirs_exist_ok=True)
    assert "audit" not in sections(build_report(prepared, cv, [], ABOUT))
    leak = {"about": "ids and dates", "message": "label can be predicted from <the id>", "serious": True}
    write_json(tmp_path / "audit/audit.json", {"findings": [leak, {**leak, "about": "files", "serious": False}]})
    told = sections(build_report(prepared, cv, [], ABOUT))["audit"]
    said = "label can be predicted from &lt;the id&gt;"
    assert cells(told) == [["▲", "ids and dates", said], ["", "files", said]]
    assert str(tmp_path / "audit/audit.html") in told
    write_json(tmp_path / "audit/audit.json", {"findings": []})
    assert "Nothing was found" in sections(build_report(prepared, cv, [], ABOUT))["audit"]


def test_rows_of_another_prepared_set_are_refused(digits, cv):
    other = dataclasses.replace(digits, train=digits.train.assign(id="other-" + digits.train["id"]))
    with pytest.raises(InputError, match="data/prepared does not have the rows of this result"):
        build_report(other, cv, [], ABOUT)


TASKS = {
    "binary": (("y",), ("a", "b"), "roc_auc", "probability"),
    "multilabel": (("u", "v"), (), "f1_micro", "label"),
    "regression": (("y",), (), "rmsle", "value"),
}


def test_grades_have_residuals_and_a_confusion_matrix():
    problem = Problem("p", "table", "id", ("y",), "regression", (), "rmse", "label", grades=("0", "1", "2"))
    matrix = cells(confusions(problem, np.array([0.0, 1.0, 2.0, 2.0]), np.array([0.4, 0.6, 1.4, 1.9])))
    assert [row[1:] for row in matrix[1:]] == [["1", "", ""], ["", "1", ""], ["", "1", "1"]]


def test_of_many_classes_the_most_frequent_confusions_are_listed():
    problem = Problem("p", "table", "id", ("y",), "multiclass", tuple(f"c{n}" for n in range(30)), "accuracy", "label")
    truth, said = np.array([3, 3, 3, 4, 5]), np.array([7, 7, 3, 1, 5])
    assert cells(confusions(problem, truth, np.eye(30)[said]))[1:] == [["c3", "c7", "2", "66.7%"], ["c4", "c1", "1", "100.0%"]]


@pytest.mark.parametrize("task", TASKS)
def test_each_task_is_told_without_its_models(task, tmp_path):
    targets, classes, metric, answer = TASKS[task]
    problem = Problem("p", "table", "id", targets, task, classes, metric, answer)
    draws, rows = np.random.default_rng(0), 60
    values = {"a": draws.choice(["a", "b"], rows), "n": draws.integers(0, 2, rows), "r": draws.random(rows) + 0.1}
    truth = dict.fromkeys(targets, values["a" if classes else "r" if task == "regression" else "n"])
    train = pd.DataFrame({"id": [f"r{row}" for row in range(rows)], "site": draws.choice(["here", "there"], rows), **truth})
    train["size"] = np.where(draws.random(rows) < 0.1, np.nan, draws.normal(size=rows))
    features = [Feature(Column(name, "number"), "number", "").to_json() for name in ("site", "size")]
    write_json(tmp_path / "columns.json", features)
    prepared = PreparedSet(tmp_path, problem, train, train, train, np.arange(rows) % 2, False, "", "f" * 32)
    prediction = problem.table(draws.random((rows, len(problem.outputs))))
    oof = pd.concat([train[list(problem.columns)], prediction], axis=1).assign(row=range(rows), fold=prepared.folds)
    result = scored(problem, oof, ValidateConfig(bootstrap=20, postprocess="auto"))
    found = sections(build_report(prepared, result, [], dataclasses.replace(ABOUT, test_score=None)))
    assert ("calibration" in found) == ("classes" in found) == (task != "regression")
    assert "<dt>site</dt>" in found["worst"] and "<img" not in found["worst"]
    tables = cells(found["columns"])
    counts = {row[0]: int(row[1]) for row in tables if row[0] in ("here", "there", "missing")}
    assert counts == {**train["site"].value_counts(), "missing": train["size"].isna().sum()}
    here = (train["site"] == "here").to_numpy()
    judged = result.judged()
    score = problem.score(problem.truth(judged)[here], problem.predictions(judged)[here], judged[here])
    assert next(row[2] for row in tables if row[0] == "here") == number(score)
