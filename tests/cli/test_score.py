import numpy as np
import pandas as pd
import pytest

from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.tracking.record import Record
from goldfold.tracking.store import Store

pytestmark = pytest.mark.slow


@pytest.fixture
def solution(desk):
    """Labels of which half of the public rows and a quarter of the private ones are answered right; a last row is ignored."""
    answers = pd.read_csv(desk / "experiments/current/submission/submission.csv", dtype=str)
    rows = np.arange(len(answers))
    public, right = rows % 3 == 0, np.where(rows % 3 == 0, rows % 2 == 0, rows % 4 == 1)
    wrong = ((answers["label"].astype(int) + 1) % 10).astype(str)
    table = answers.assign(label=answers["label"].where(right, wrong), Usage=np.where(public, "Public", "Private"))
    table.loc[0, ["label", "Usage"]] = ["not scored", "Ignored"]
    table.to_csv(desk / "solution.csv", index=False)
    return desk / "solution.csv", right[1:], public[1:]


def test_the_parts_of_a_solution_are_scored_apart_and_logged(solution, tracked, capsys):
    path, right, public = solution
    run_command(["score", "mine", "--solution", str(path)])
    expected = {"test": right.mean(), "test_public": right[public].mean(), "test_private": right[~public].mean()}
    assert {part: tracked().metrics[f"accuracy_{part}"] for part in expected} == pytest.approx(expected)
    said = capsys.readouterr().out
    assert f"private     accuracy {expected['test_private']:.5f}  ({(~public).sum()} rows of " in said
    run_command(["leaderboard", "--by", "private", "--offline"])
    assert f"{expected['test_public']:.5f}" in capsys.readouterr().out


def test_the_last_solution_that_was_named_counts_and_rows_without_a_label_are_refused(solution, desk, tracked, capsys):
    path, right, _ = solution
    run_command(["score", "mine", "--solution", str(path)])
    labels = pd.read_csv(path, dtype=str).drop(columns="Usage")[1:]
    labels[~right].to_csv(desk / "wrong.csv", index=False)
    run_command(["score", "mine", "--solution", str(desk / "wrong.csv")])
    assert tracked().metrics["accuracy_test"] == 0
    assert f"not scored  {right.sum() + 1} test rows" in capsys.readouterr().out


def test_a_submission_made_elsewhere_is_scored_as_the_sample_spells_it(solution, desk, capsys):
    path, right, _ = solution
    answers = pd.read_csv(desk / "experiments/current/submission/submission.csv", dtype=str)
    first = answers.columns[0]
    elsewhere = answers.assign(**{first: answers[first] + ".png"})[::-1][["label", first]].rename(columns={"label": "Label"})
    elsewhere.to_csv(desk / "elsewhere.csv", index=False)
    run_command(["score", str(desk / "elsewhere.csv"), "--solution", str(path)])
    said = capsys.readouterr().out
    assert f"test        accuracy {right.mean():.5f}" in said and "CV" not in said
    elsewhere.assign(Label="eleven").to_csv(desk / "elsewhere.csv", index=False)
    with pytest.raises(InputError, match="label is 'eleven', not one of the labels"):
        run_command(["score", str(desk / "elsewhere.csv"), "--solution", str(path)])


def test_without_known_labels_it_says_how_to_name_them(desk):
    with pytest.raises(InputError, match=r"(?s)test labels are not known.*--solution FILE"):
        run_command(["score", "current"])


def test_the_leaderboard_needs_no_kaggle_and_is_logged_in_its_place(solution, desk, tracked, monkeypatch, capsys):
    run_command(["score", "current", "--solution", str(solution[0])])
    prepared = PreparedSet.load(desk / "data/prepared")
    values = [(f"accuracy{part}", value, 0, 1.0) for part, value in (("", 0.2), ("_low", 0.1), ("_high", 0.3), ("_test", 0.4))]
    Store(desk).deliver(Record(prepared.problem.name, "other", "other", params={"train.lr": "0.1"}, metrics=values))
    monkeypatch.setenv("COLUMNS", "100")
    capsys.readouterr()
    for _ in range(2):
        run_command(["leaderboard", "--by", "cv", "--offline"])
    said = capsys.readouterr().out
    assert "train.lr – → 0.1" in said and max(map(len, said.splitlines())) <= 100
    assert "CV, test    no rank correlation of 2 runs" in said
    run = tracked("leaderboard")
    files = {artifact.path for artifact in Store(desk).client.list_artifacts(run.id)}
    assert files == {"leaderboard.html", *(f"cv_and_{part}.svg" for part in ("public", "private", "test"))}
    assert sum(run.info.run_name == "leaderboard" for run in Store(desk).all_runs(prepared.problem.name)) == 1
    assert "train.lr – → 0.1" in (desk / "experiments/leaderboard.html").read_text()
