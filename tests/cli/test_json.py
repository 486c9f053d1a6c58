"""Every command that answers programs prints one object, with the keys of docs/json.md, and nothing else on stdout."""

import json
import re
import shutil
import subprocess
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.conftest import TINY, build_repository

from goldfold.as_json import VERSION, print_as_json
from goldfold.cli.main import COMMANDS, _module, run_command
from goldfold.errors import BudgetError, InputError

PAGE = (Path(__file__).parents[2] / "docs/json.md").read_text()
ANSWERING = [
    name for name in COMMANDS if signature(import_module(f"goldfold.cli.{_module(name)}").run, eval_str=True).return_annotation
]
ALWAYS = {"goldfold_json", "command", "exit_code"}


def documented(command):
    """The keys that the page names for a command: those in the first column of its table."""
    (section,) = re.findall(rf"### {command}\n(.*?)(?=\n###|\Z)", PAGE, re.DOTALL)
    return {key for line in re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE) for key in re.findall(r"`(\w+)`", line)}


def test_the_page_has_each_command_that_answers():
    assert set(re.findall(r"^### (\S+)", PAGE, re.MULTILINE)) == set(ANSWERING) >= {"summary", "compare", "blend", "worth"}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository with a run, an imported member and a blend."""
    root = build_repository(tmp_path_factory.mktemp("json") / "repository", TINY)
    shutil.copy(Path(__file__).parents[2] / "requirements.txt", root)
    shutil.copy(root / "data/raw/tiny/sample_submission.csv", root / "labels.csv")
    return root


def asked(capsys, *command):
    """Run a command with --json; return its exit code, and the object that it printed, which holds what docs/json.md names."""
    capsys.readouterr()
    try:
        run_command([*command, "--json"])
        code = 0
    except SystemExit as end:
        code = end.code
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and err
    found = json.loads(out)
    assert set(found) == ALWAYS | documented(command[0]), command[0]
    assert (found["goldfold_json"], found["command"], found["exit_code"]) == (VERSION, command[0], code)
    return code, {name: value for name, value in found.items() if name not in ALWAYS}


@pytest.fixture
def ask(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)

    def answer(*command, code=0):
        ended, found = asked(capsys, *command)
        assert ended == code, found
        return found

    return answer


@pytest.mark.slow
def test_what_commands_find_is_one_object(root, ask):
    assert [check["state"] for check in ask("doctor", code=2)["checks"]].count("wrong") > 0
    assert ask("check")["rehearsed"]
    summary = ask("summary")
    assert summary["run"] == "mine" and summary["low"] <= summary["score"] <= summary["high"]
    oof, test = "experiments/current/cv/oof.parquet", "experiments/current/submission/predictions.parquet"
    (member,) = ask("import", "again", "--oof", oof, "--test", test, "--force")["members"]
    assert member["score"] == pytest.approx(summary["score"]) and member["forced"][0]["gate"] == "duplicates"
    blend = ask("blend", "mine", "again", "--method", "equal", "--name", "both")
    assert blend["weights"] == {"again": 0.5, "mine": 0.5} and blend["nested"] == pytest.approx(summary["score"])
    assert {row["gain"] for row in ask("worth", "both")["members"]} == {0.0}
    compared = ask("compare", "mine", "both")
    assert compared["difference"] == 0 and compared["better"] is None
    assert ask("compare", "mine", "both", "--expect", "not-worse")["expected"] == "not-worse"
    assert ask("compare", "mine", "both", "--expect", "better", code=4)["more_than_noise"] is False
    assert ask("score", "mine", "--solution", "labels.csv")["scores"]["test"]["rows"] == 20
    assert {row["run"] for row in ask("leaderboard")["runs"]} == {"mine", "again", "both"}
    results = pd.read_csv("experiments/results.tsv", sep="\t")
    assert list(results["run"]) == ["mine", "again", "both"] and results["score"][0] == pytest.approx(summary["score"])
    assert Path(ask("report", "both")["report"]).is_file()


@pytest.mark.slow
def test_an_error_is_an_object_too(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    with pytest.raises(InputError):
        run_command(["compare", "mine", "nobody", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == 2 and "nobody" in found["error"] and set(found) == ALWAYS | {"error"}


def test_a_spent_budget_has_an_exit_code_of_its_own(capsys):
    def spent():
        print("looked")
        raise BudgetError("none is left", mend="wait")

    with pytest.raises(BudgetError):
        print_as_json("submit", spent)
    out, err = capsys.readouterr()
    assert json.loads(out)["exit_code"] == 3 and err == "looked\n"


def test_what_is_not_finite_is_null_and_what_children_print_is_kept_apart(capfd):

    def find():
        subprocess.run(["echo", "child"], check=True)
        return {"a": np.float64("nan"), "b": Path("p"), "c": (1, True)}

    print_as_json("x", find)
    out, err = capfd.readouterr()
    assert json.loads(out) == {"goldfold_json": 1, "command": "x", "exit_code": 0, "a": None, "b": "p", "c": [1, True]}
    assert "child" in err
