"""What goldfold asks of Kaggle, asked of a stand-in by Kaggle's own client; needs requirements-kaggle.txt."""

import json
import time
import zipfile

import pytest
from tests.kaggle.conftest import TITANIC
from tests.kaggle.stand_in import TOKEN

from goldfold.errors import InputError
from goldfold.kaggle import Facts, Sent, download, evaluation, facts, leaderboard, submissions, submit


def test_the_files_come_as_one_zip(signed_in, tmp_path, capsys):
    path = download("titanic", tmp_path / "down")
    with zipfile.ZipFile(path) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == TITANIC
    assert capsys.readouterr().out == ""


def test_a_download_that_broke_off_goes_on(signed_in, tmp_path, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    signed_in.breaks_off_after = 300
    path = download("titanic", tmp_path)
    assert zipfile.ZipFile(path).testzip() is None


def test_the_metric_has_kaggles_name(signed_in):
    assert evaluation("titanic") == "Categorization Accuracy"


def test_the_rules_are_those_that_kaggle_tells(signed_in):
    assert facts("titanic") == Facts("Categorization Accuracy", 5, gives_medals=True, takes_notebooks_only=False, is_closed=False)
    signed_in.contests["titanic"].quota = 0
    assert facts("titanic").daily_limit is None


def test_a_submission_is_uploaded_then_created(signed_in, tmp_path):
    file = tmp_path / "submission.csv"
    file.write_text("PassengerId,Survived\n41,0\n")
    assert submit("titanic", file, "first try") == Sent(100, "Successfully submitted")
    assert list(signed_in.blobs.values()) == [file.read_bytes()]
    methods = [method.partition("/")[2] for method, _ in signed_in.asked]
    assert methods == ["StartSubmissionUpload", "CreateSubmission"]


def test_submissions_are_listed_the_newest_first_beyond_a_page(signed_in, tmp_path):
    file = tmp_path / "submission.csv"
    file.write_text("x")
    signed_in.contests["titanic"].quota = 1000
    for number in range(2):
        submit("titanic", file, f"try {number}")
    signed_in.submissions += [{**signed_in.submissions[1], "ref": 200 + more} for more in range(150)]
    entries = submissions("titanic")
    assert len(entries) == 152 and entries[0].ref == 349
    first, second = entries[-1], entries[-2]
    assert (first.status, first.public_score, first.description) == ("pending", None, "try 0")
    assert (second.status, second.public_score, second.private_score) == ("complete", 0.77511, None)
    assert second.date.isoformat() == "2026-11-21T10:00:01"


def test_the_leaderboard_is_read_with_its_benchmarks(signed_in):
    teams = leaderboard("titanic")
    assert [(team.rank, team.team, team.score) for team in teams] == [
        (1, "Beta, Inc", 0.98),
        (0, "gender benchmark", 0.765),
        (2, "NA", 0.75),
    ]
    assert teams[0].date.isoformat() == "2026-11-20T09:30:00"


@pytest.mark.parametrize(
    ("slug", "said"),
    [
        ("closed", r"(?s)the rules of closed are not accepted yet.*https://www.kaggle.com/competitions/closed/rules"),
        ("titanc", r"(?s)Kaggle has no competition titanc.*/competitions/titanic"),
    ],
)
def test_a_refusal_is_told_in_plain_words(signed_in, tmp_path, slug, said):
    with pytest.raises(InputError, match=said):
        download(slug, tmp_path)


def test_a_competition_that_is_not_joined_and_a_spent_quota_are_told(signed_in, tmp_path):
    file = tmp_path / "submission.csv"
    file.write_text("x")
    signed_in.contests["titanic"].quota = 0
    with pytest.raises(InputError, match=r"(?s)Kaggle refused \(400\).*daily Submission allowance.*quota"):
        submit("titanic", file, "")
    signed_in.contests["titanic"].joined = False
    with pytest.raises(InputError, match=r"(?s)no access to titanic.*participate.*join it there"):
        submissions("titanic")


def test_without_credentials_nothing_is_asked(kaggle, tmp_path):
    with pytest.raises(InputError, match=r"(?s)no credentials on this machine.*settings/api.*access_token"):
        download("titanic", tmp_path)
    assert not kaggle.asked


@pytest.mark.parametrize("variables", [{"KAGGLE_API_TOKEN": "stale"}, {"KAGGLE_USERNAME": "ann", "KAGGLE_KEY": "wrong"}])
def test_credentials_that_are_refused_are_told_with_their_place(kaggle, monkeypatch, tmp_path, capsys, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=f"does not take the credentials in {' and '.join(variables)}"):
        download("titanic", tmp_path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("file", [".kaggle/access_token", ".kaggle/kaggle.json", ".config/kaggle/kaggle.json"])
def test_credentials_in_files_are_used(kaggle, home, tmp_path, file):
    path = home / file
    path.parent.mkdir(parents=True)
    names = {"KAGGLE_USERNAME": "username", "KAGGLE_KEY": "key"}
    keys = {names[name]: value for name, value in kaggle.credentials.items()}
    path.write_text(json.dumps(keys) if file.endswith("json") else TOKEN)
    path.chmod(0o600)
    assert download("titanic", tmp_path).is_file()


def test_a_machine_without_network_is_told(signed_in, monkeypatch, tmp_path):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"(?s)Kaggle does not answer.*network"):
        download("titanic", tmp_path)
