"""A program that has read docs/json.md, and nothing that is printed for people, tries ten ideas and keeps what is better."""

from functools import partial
from pathlib import Path

import pytest
from tests.cli.test_json import asked
from tests.conftest import build_repository, keep_result

import goldfold

PARAMS = """
competition: {path: data/raw/tiny, modality: table, metric: accuracy}
split: {n_folds: 2, folds: [0]}
model: {name: linear, args: {C: 0.0001}}
validate: {bootstrap: 200}
"""
IDEAS = (0.0002, 1.0, 1.1, 0.0003, 0.9, 2.0, 0.0004, 1.2, 0.8, 0.0005)
"""Values of model.args.C: those near 1 use the column that decides, the small ones next to nothing."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository to stand in whose result, `mine`, is of a model that learns next to nothing."""
    root = build_repository(tmp_path / "repository", PARAMS)
    monkeypatch.chdir(root)
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def ask(capsys):
    """Run a command with --json; see `asked`."""
    return partial(asked, capsys)


@pytest.mark.slow
def test_a_program_tries_ten_ideas_and_names_the_best(root, ask):
    _, summary = ask("summary")
    best, kept, scores = summary["run"], PARAMS, {summary["run"]: summary["score"]}
    for number, value in enumerate(IDEAS):
        idea = f"idea-{number}"
        Path("params.yaml").write_text(PARAMS.replace("C: 0.0001", f"C: {value}"))
        keep_result(goldfold.open(), idea)
        code, compared = ask("compare", best, idea, "--expect", "better")
        assert code == (0 if compared["better"] == idea and compared["more_than_noise"] else 4)
        _, scores[idea] = compared["scores"]
        if code == 0:
            best, kept = idea, Path("params.yaml").read_text()
        Path("params.yaml").write_text(kept)
    assert best == "idea-1" and "C: 1.0}" in kept

    _, board = ask("leaderboard")
    assert {run["run"]: run["score"] for run in board["runs"]} == pytest.approx(scores) and len(scores) == 11
    leader = max(board["runs"], key=lambda run: run["score"] if board["maximize"] else -run["score"])["run"]
    assert leader == best or ask("compare", best, leader, "--expect", "better")[0] == 4
    (changed,) = [run["changed"] for run in board["runs"] if run["run"] == best]
    assert "C" in str(changed) and "1.0" in str(changed)
