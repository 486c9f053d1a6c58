"""`goldfold try`: what a configuration would take, with nothing left behind."""

import json
from pathlib import Path

import pytest

from goldfold.cli.main import run_command
from goldfold.errors import BudgetError, InputError
from goldfold.race import scaling

pytestmark = pytest.mark.slow


@pytest.fixture
def repository(tiny_repository, monkeypatch):
    for variable in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tiny_repository)
    return tiny_repository


def asked(capsys, *arguments):
    capsys.readouterr()
    run_command(["try", *arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def test_it_scales_what_a_few_rows_take_and_leaves_no_run(repository, capsys, monkeypatch):
    store = Path("mlflow.db").read_bytes()
    found = asked(capsys)
    assert (found["tried"], found["rows"], found["trainings"]) == ("params.yaml", 120, 3)
    assert 0 < found["seconds"] < 60 and found["memory"] > 2**26 and 0 < found["disk"] < found["disk_free"]
    assert Path("mlflow.db").read_bytes() == store
    Path("experiments/recipes").mkdir(parents=True, exist_ok=True)
    Path("experiments/recipes/longer.yaml").write_text("# Tries: more trees.\ntrain: {seeds: [0, 1]}\n")
    longer = asked(capsys, "longer")
    assert (longer["tried"], longer["trainings"]) == ("longer", 6) and "seeds" not in Path("params.yaml").read_text()
    run_command(["try"])
    said = capsys.readouterr().out
    assert "no run is tracked" in said and "for 3 trainings" in said


def test_where_a_minute_is_too_short_it_is_a_budget_and_a_typo_is_the_persons(repository, monkeypatch):
    with pytest.raises(InputError, match="there is no recipe"):
        run_command(["try", "nowhere"])
    monkeypatch.setattr(scaling, "SECONDS", 0.0)
    with pytest.raises(BudgetError, match="too short to train this"):
        run_command(["try"])
