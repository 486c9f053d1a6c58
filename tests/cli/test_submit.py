"""A run's file to Kaggle and its score back, asked of the stand-in by Kaggle's own client; needs requirements-kaggle.txt."""

import hashlib
import time
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.submitting.files import submit_file
from goldfold.tracking.submissions import sendings

pytestmark = pytest.mark.slow

FILE = Path("experiments/current/submission/submission.csv")


@pytest.fixture
def kaggle_scores(signed_in, monkeypatch):
    """A stand-in that has scored what was sent by the second look, with these entries of the submission."""

    def answer(**entry):
        def pause(_):
            signed_in.submissions[-1].update(entry)

        monkeypatch.setattr(time, "sleep", pause)

    answer(status="COMPLETE", publicScore="0.77511")
    return answer


def sent_today(kaggle):
    for entry in kaggle.submissions:
        entry["date"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"


def methods(kaggle):
    return [method.partition("/")[2] for method, _ in kaggle.asked]


def test_a_submission_is_sent_scored_and_remembered(desk, signed_in, kaggle_scores, tracked, capsys):
    submit_file("current", None, 60, yes=False)
    run = tracked()
    (sending,) = sendings(run.tags)
    assert list(signed_in.blobs.values()) == [FILE.read_bytes()]
    assert sending.message == signed_in.submissions[0]["description"] and sending.message.startswith("mine: CV accuracy 0.")
    assert (sending.ref, sending.limit, sending.status, sending.public) == (100, 5, "complete", 0.77511)
    assert sending.sha256 == hashlib.sha256(FILE.read_bytes()).hexdigest()
    assert run.metrics["accuracy_public"] == 0.77511 and "accuracy_private" not in run.metrics
    said = capsys.readouterr().out
    assert "public      accuracy 0.77511  (CV 0." in said and "left        4 of 5 submissions today" in said


def test_the_same_file_is_sent_again_only_if_asked_to(desk, signed_in, kaggle_scores):
    submit_file("mine", "first", 0, yes=False)
    with pytest.raises(InputError, match=r"(?s)the same file was sent at .* for mine, submission 100.*nothing was sent; --yes"):
        submit_file("current", "again", 0, yes=False)
    assert len(signed_in.submissions) == 1
    submit_file("current", "again", 0, yes=True)
    assert [entry["description"] for entry in signed_in.submissions] == ["first", "again"]


def test_a_spent_day_is_told_before_anything_is_sent(desk, signed_in, kaggle_scores):
    signed_in.contests["titanic"].quota = 2
    submit_file("current", "1", 0, yes=True)
    signed_in.submissions[0]["date"] = "2020-01-01T00:00:00.0000000Z"
    submit_file("current", "2", 0, yes=True)
    signed_in.submissions.append({**signed_in.submissions[1], "ref": 102, "status": "ERROR"})
    signed_in.submissions[1:] = [{**entry, "ref": ref} for ref in (101, 103) for entry in signed_in.submissions[1:2]]
    sent_today(signed_in)
    signed_in.asked.clear()
    with pytest.raises(InputError, match=r"(?s)3 of 2 submissions were sent today.*wait .* hours: a day ends at midnight UTC"):
        submit_file("current", "3", 0, yes=True)
    assert methods(signed_in) == ["GetCompetition", "ListSubmissions"]


def test_a_broken_file_and_a_run_on_few_rows_are_refused_before_kaggle_is_asked(desk, signed_in):
    text = FILE.read_text()
    FILE.write_text(text.rpartition("\n0")[0])
    with pytest.raises(InputError, match="of the sample is missing"):
        submit_file("current", None, 0, yes=True)
    FILE.write_text(text)
    table = pd.read_parquet(FILE.with_name("predictions.parquet"))
    table[:50].to_parquet(FILE.with_name("predictions.parquet"))
    with pytest.raises(InputError, match=r"current predicted 50 rows \(prepare.rows\)"):
        submit_file("current", None, 0, yes=True)
    assert not signed_in.asked


@pytest.mark.parametrize(
    ("rule", "message"),
    [("notebooks_only", "(?s)takes notebooks.*goldfold submit current --code"), ("closed", "no submissions any more")],
)
def test_a_competition_that_takes_no_files_is_refused(desk, signed_in, rule, message):
    setattr(signed_in.contests["titanic"], rule, True)
    with pytest.raises(InputError, match=message):
        submit_file("current", None, 0, yes=True)
    assert not signed_in.blobs


def test_a_competition_that_is_not_on_kaggle_is_refused(desk):
    (desk / "params.yaml").write_text("competition: {path: x}\nmodel: {name: test_resnet}\n")
    with pytest.raises(InputError, match=r"(?s)which Kaggle competition.*competition.kaggle"):
        submit_file("current", None, 0, yes=True)


def test_after_ctrl_c_the_scores_come_later_the_private_one_later_still(desk, signed_in, monkeypatch, tracked, capsys):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt, match="Submission 100 is sent and logged; `goldfold submit --refresh`"):
        submit_file("current", None, 60, yes=False)
    assert sendings(tracked().tags)[0].status == "pending"
    run_command(["submit", "--refresh"])
    assert capsys.readouterr().out.endswith("nothing new\n")
    signed_in.submissions[0].update(status="COMPLETE", publicScore="0.7")
    run_command(["submit", "--refresh"])
    assert "public      accuracy 0.70000" in capsys.readouterr().out
    signed_in.submissions[0].update(privateScore="0.6")
    run_command(["leaderboard", "--by", "private"])
    assert {name: value for name, value in tracked().metrics.items() if name.startswith("accuracy_p")} == {
        "accuracy_public": 0.7,
        "accuracy_private": 0.6,
    }


def test_a_submission_that_kaggle_cannot_score_is_refused(desk, kaggle_scores, tracked, capsys):
    kaggle_scores(status="ERROR", errorDescription="Label is missing")
    submit_file("current", None, 60, yes=False)
    assert "FAILED      Kaggle could not score it: Label is missing" in capsys.readouterr().out
    assert sendings(tracked().tags)[0].error == "Label is missing"


def test_the_newest_submission_of_a_run_gives_its_score(desk, signed_in, kaggle_scores, tracked):
    kaggle_scores(status="COMPLETE", publicScore="0.5")
    submit_file("current", "1", 60, yes=True)
    submit_file("current", "2", 60, yes=True)
    assert tracked().metrics["accuracy_public"] == 0.77511
    signed_in.submissions[0].update(privateScore="0.4")
    run_command(["submit", "--refresh"])
    assert (tracked().metrics["accuracy_public"], tracked().metrics["accuracy_private"]) == (0.77511, 0.4)
    signed_in.submissions[1].update(publicScore="0.7")
    run_command(["submit", "--refresh"])
    assert tracked().metrics["accuracy_public"] == 0.7


def test_without_a_tracking_server_a_submission_is_logged_later(desk, kaggle_scores, tracked, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    submit_file("current", None, 60, yes=False)
    with pytest.raises(InputError, match="the same file was sent"):
        submit_file("current", None, 0, yes=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    run_command(["leaderboard", "--by", "cv", "--offline"])
    assert sendings(tracked().tags)[0].public == 0.77511


def test_the_leaderboard_says_where_a_public_score_stands(desk, signed_in, kaggle_scores, capsys):
    submit_file("current", None, 60, yes=False)
    sent_today(signed_in)
    capsys.readouterr()
    run_command(["leaderboard", "--by", "public"])
    said = capsys.readouterr().out
    assert "on Kaggle   mine: place 2 of 2 (top 100.0%), by the public leaderboard of now" in said
    assert "1 of 5 submissions were sent to titanic today (UTC)" in said
    signed_in.contests["titanic"].awards_points = False
    run_command(["leaderboard", "--by", "public"])
    assert "this competition awards none" in capsys.readouterr().out


def test_without_a_network_the_leaderboard_shows_what_was_seen_last(desk, kaggle_scores, monkeypatch, capsys):
    submit_file("current", None, 60, yes=False)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    capsys.readouterr()
    run_command(["leaderboard", "--by", "cv"])
    said = capsys.readouterr().out
    assert "0.77511" in said and said.count("Kaggle was not asked (Kaggle does not answer") == 1
    assert "1 of 5 submissions were sent from here today (UTC)" in said
