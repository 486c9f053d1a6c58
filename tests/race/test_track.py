"""A real race on a tiny table."""

import json
import shutil
import time
from pathlib import Path

import pytest
from tests.conftest import TINY

from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.race import cost
from goldfold.runs.run import all_runs, find_run

pytestmark = pytest.mark.slow

ANSWER = Path("experiments/race/answer/submission/submission.csv")
PORTFOLIO = {
    "10-linear": "# Tries: a line.\nmodel: {name: linear, args: {C: 0.1}}\n",
    "20-missing": "# Tries: what is not installed.\nmodel: {name: 'lightgbm.nowhere:LGBM', args: {}}\n",
    "30-forest": "# Tries: trees.\nmodel: {name: ExtraTrees, args: {n_estimators: 20}}\n",
    "40-same": "# Tries: what params.yaml says.\ntrain: {workers: 0}\n",
}


@pytest.fixture
def repository(tiny_repository, tmp_path, monkeypatch):
    """A clone of the tiny repository with a portfolio, without what the pipeline has made."""
    shutil.copytree(tiny_repository / "data/raw", tmp_path / "data/raw")
    (tmp_path / "params.yaml").write_text(f"{TINY}runtime: {{jobs: 1, threads: 1}}\n")
    (tmp_path / "dvc.yaml").write_text("stages: {}")
    for name, overlay in PORTFOLIO.items():
        path = tmp_path / "experiments/portfolio/table" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(overlay)
    for variable in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    # The process of the tests is old, and its race begins now.
    monkeypatch.setattr("goldfold.cli.race.started", time.time)
    return tmp_path


def members():
    return sorted(path.name for path in Path("experiments/race/members").iterdir())


def test_a_race_makes_runs_and_an_answer_and_goes_on_where_it_ended(repository, capsys, monkeypatch):
    run_command(["race", "--plan"])
    said = capsys.readouterr().out
    assert "left out" in said and not ANSWER.exists() and not Path("mlflow.db").exists()
    assert [line.split()[0] for line in said.splitlines()][:5] == ["linear", "missing", "forest", "same", "params"]

    run_command(["race", "--minutes", "5"])
    said = capsys.readouterr().out
    assert len(members()) == 3 and ANSWER.is_file()
    assert "there is no module lightgbm" in said and "params: it is the same as same" in said
    assert "flattered" in said and "its score is nested" in said and "nothing is left to try" in said
    runs = {run.name: run for run in all_runs("tiny")}
    assert set(runs) == {*members(), "race"} and runs["race"].is_blend
    member = find_run(next(name for name in members() if name.startswith("forest")))
    assert len(member.folds()) == 3 and member.ensemble().checkpoints == 3

    # What is finished is neither measured nor trained again.
    def fail(*arguments):
        raise AssertionError

    before = ANSWER.read_bytes()
    with monkeypatch.context() as forbidden:
        forbidden.setattr(cost, "_tried", fail)
        forbidden.setattr("goldfold.race.track.train_all", fail)
        run_command(["race", "--minutes", "1"])
    said = capsys.readouterr().out
    assert said.count("kept of an earlier race") == 3 and ANSWER.read_bytes() == before

    # Another setting is another member.
    path, first = Path("experiments/portfolio/table/30-forest.yaml"), set(members())
    path.write_text(path.read_text().replace("20", "10"))
    run_command(["race", "--minutes", "5"])
    (new,) = set(members()) - first
    blended = json.loads(Path("experiments/race/answer/blend.json").read_text())["members"]
    assert set(blended) == {new, *(name for name in first if not name.startswith("forest"))}


def test_what_a_kill_left_unlogged_is_logged_by_the_next_race(repository, monkeypatch):
    for name in ("20-missing", "30-forest", "40-same"):
        Path(f"experiments/portfolio/table/{name}.yaml").unlink()
    with monkeypatch.context() as killed:
        killed.setattr("goldfold.race.track.Competitors.log", lambda *_: None)
        run_command(["race", "--minutes", "5"])
    (member,) = [name for name in members() if name.startswith("linear")]
    assert member not in {run.name for run in all_runs("tiny")}
    run_command(["race", "--minutes", "5"])
    assert find_run(member).ensemble().checkpoints == 3


@pytest.mark.parametrize(("late", "count"), [(0.0, 0), (1e6, 1)])
def test_a_spent_budget_is_no_error_and_the_first_answer_may_come_late(repository, monkeypatch, late, count):
    monkeypatch.setattr("goldfold.race.budget.FIRST_LATE", late)
    run_command(["race", "--minutes", "0.0001"])
    assert len(list(Path("experiments/race/members").glob("*"))) == count and ANSWER.is_file() == bool(count)


def test_a_race_without_a_budget_is_refused(repository):
    with pytest.raises(InputError, match="a race needs a budget"):
        run_command(["race"])


def test_where_nothing_can_be_trained_each_reason_is_told(repository):
    for name in PORTFOLIO:
        Path(f"experiments/portfolio/table/{name}.yaml").unlink()
    Path("params.yaml").write_text(TINY.replace("C: 1.0", "C: -1.0"))
    with pytest.raises(InputError, match=r"no configuration of the race can be trained\n  params: .*cannot be fitted"):
        run_command(["race", "--minutes", "1"])
