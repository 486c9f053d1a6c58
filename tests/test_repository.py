"""The door for notebooks, on a tiny competition."""

import dataclasses
import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import goldfold
import goldfold.repository
from goldfold.errors import InputError
from goldfold.prepare.prepared_set import ALWAYS

DOCS = Path(__file__).parents[1] / "docs"
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

pytestmark = pytest.mark.slow


@pytest.fixture
def repo(tiny_repository, monkeypatch):
    """The repository, opened from a folder of it."""
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    (tiny_repository / "notebooks").mkdir(exist_ok=True)
    monkeypatch.chdir(tiny_repository / "notebooks")
    return goldfold.open()


def test_the_examples_of_the_page_run(repo, capsys):
    result = doctest.testfile(str(DOCS / "python.md"), module_relative=False, optionflags=OPTIONS)
    assert result.attempted > 15 and result.failed == 0, capsys.readouterr().out


def test_the_examples_of_the_docstrings_run(repo, capsys):
    shared, source = {"repo": repo}, Path(goldfold.repository.__file__).read_text()
    tests = [test for test in doctest.DocTestFinder().find(goldfold.repository) if test.examples]
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in sorted(tests, key=lambda test: source.index(test.docstring)):
        test.globs = shared
        runner.run(test, clear_globs=False)
    assert runner.tries > 20 and runner.failures == 0, capsys.readouterr().out


def test_importing_it_imports_nothing():
    code = "import goldfold, sys; print(sorted(name for name in sys.modules if name.startswith('goldfold.') or name == 'pandas'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=DOCS.parent / "src", check=True)
    assert done.stdout.strip() == "[]"


def test_a_folder_without_a_repository_is_told(tmp_path):
    with pytest.raises(InputError, match="there is no goldfold repository"):
        goldfold.open(tmp_path)


def test_it_prints_nothing_and_stays_where_it_is(repo, capfd):
    before = Path.cwd()
    assert len(repo.run().submission) == len(repo.run("mine").predictions)
    repo.train_fold(repo.prepare(repo.competition()), 0)
    assert Path.cwd() == before and capfd.readouterr().out == ""


def test_a_score_is_that_of_the_pipeline_however_the_predictions_come(repo):
    result = repo.run()
    oof = result.oof.sort_values("row")
    p = oof["p_yes"].to_numpy()
    by_id = oof.set_index("id")["p_yes"].sample(frac=1, random_state=0)
    labels = np.where(p >= 0.5, "yes", "no")
    for form in (p, np.column_stack([1 - p, p]), p[:, None], by_id, by_id.to_frame(), oof, labels, pd.Series(labels)):
        assert repo.score(form) == result.scores
    frame = pd.DataFrame({"yes": p, "no": 1 - p}, index=oof["id"])
    assert repo.score(frame) == result.scores


def test_rows_that_no_fold_validates_may_be_missing(repo):
    p = repo.run().oof.sort_values("row")["p_yes"].to_numpy().copy()
    one = repo.with_settings({"split.folds": [1]})
    p[repo.prepared.folds != 1] = np.nan
    assert one.score(p).score == repo.run().scores.folds[1] and one.score(p).rows == 40
    with pytest.raises(InputError, match=r"(?s)80 validation rows without a probability.*id r"):
        repo.score(p)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p[:-1], "119 predictions for 120 training rows"),
        (lambda p: np.column_stack([p, p, p]), r"(?s)shape \(120, 3\).*p_yes"),
        (lambda p: p + 1, "120 validation rows without a probability"),
        (lambda p: ["maybe", *["yes"] * 119], "1 validation rows without a probability or a label of training"),
        (lambda p: None, "1 predictions for 120 training rows"),
        (lambda p: [["a"]] * 120, "predictions that are not numbers"),
        (lambda p: pd.Series(p, index=["r0"] * 120), r"(?s)ids with two predictions.*id r0"),
    ],
)
def test_predictions_that_cannot_be_scored_are_told(repo, change, message):
    with pytest.raises(InputError, match=message):
        repo.score(change(np.full(120, 0.4)))


def test_the_folds_never_validate_an_extra_row_or_one_that_is_trained_on(repo):
    extra = np.arange(110, 120)
    folds = repo.prepared.folds.copy()
    folds[extra] = ALWAYS
    # As if the last rows were those of competition.extra.
    vars(repo)["prepared"] = dataclasses.replace(repo.prepared, folds=folds)
    for training, validation in repo.folds():
        assert not set(training) & set(validation) and set(extra) <= set(training)
    assert sorted(np.concatenate([validation for _, validation in repo.folds()])) == list(range(110))
    p = np.full(120, 0.4)
    p[extra] = np.nan
    assert repo.score(p).rows == 110


def test_other_settings_are_checked_and_change_no_file(repo):
    before = (repo.root / "params.yaml").read_text()
    with pytest.raises(InputError, match="did you mean"):
        repo.with_settings({"train.lrr": 1})
    assert repo.with_settings({"train.lr": 0.5}).config.train.lr == 0.5
    assert (repo.root / "params.yaml").read_text() == before
