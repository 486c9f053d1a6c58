"""Credentials that are planted in the environment: none comes into what is said or written."""

import shutil

import pytest
from tests.conftest import ROOT

from goldfold.cli.main import run_command
from goldfold.errors import exit_with_message

SECRET = "s3cr3t-0f-mine"
PLANTED = dict.fromkeys(
    ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY"),
    SECRET,
)
ADDRESSES = (f"http://me:{SECRET}@127.0.0.1:9", f"http://{SECRET}@127.0.0.1:9", f"postgresql://me:{SECRET}@127.0.0.1:9/runs")
COMMANDS = ("doctor", "leaderboard", "report", "summary", "ui", "bundle", "compare current current", "prune", "submit", "check")


@pytest.mark.parametrize("address", ["", *(pytest.param(address, marks=pytest.mark.faults) for address in ADDRESSES)])
def test_a_credential_is_nowhere(tally, tiny_repository, tmp_path, monkeypatch, capfd, address):
    """Planted credential in what commands say and write."""
    root = shutil.copytree(tiny_repository, tmp_path / "goldfold")
    for name in ("requirements.txt", "Makefile"):
        shutil.copy(ROOT / name, root)
    monkeypatch.chdir(root)
    monkeypatch.setattr("os.execve", lambda path, arguments, env: print(arguments))
    for name, value in {**PLANTED, "MLFLOW_TRACKING_URI": address, "HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    said = {}
    for command in COMMANDS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["goldfold", *command.split()])
            try:
                with exit_with_message():
                    run_command(command.split())
            except SystemExit:
                pass
        said[command] = "".join(capfd.readouterr())
    for command, text in said.items():
        tally.count(SECRET not in text, said=f"{command}: {text}")
    told = [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    tally.count(not told, said=str(told))
