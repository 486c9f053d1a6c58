"""Files that are gone or cut: a command says which, or does without."""

import os
import random
import shutil

import pytest

from goldfold.cli.main import run_command
from goldfold.errors import InputError

COMMANDS = ("summary", "report", "leaderboard", "predict data/raw/tiny/test.csv")
PLACES = ("data/prepared", "experiments/current", ".goldfold", "mlflow.db")


def files_of(root):
    """Those that goldfold wrote there."""
    places = [root / place for place in PLACES]
    return sorted(file for place in places for file in ([place] if place.is_file() else place.rglob("*")) if file.is_file())


@pytest.mark.parametrize("how", ["cut", "gone"])
def test_a_file_that_is_damaged(tally, tries, tiny_repository, tmp_path, monkeypatch, how):
    """File of the prepared set, the result, the store or scratch that is gone or cut."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    files = files_of(tiny_repository)
    for file in random.sample(files, len(tries(3, len(files)))):
        root = shutil.copytree(tiny_repository, tmp_path / "goldfold")
        monkeypatch.chdir(root)
        damaged = root / file.relative_to(tiny_repository)
        damaged.unlink() if how == "gone" else os.truncate(damaged, damaged.stat().st_size // 2)
        told = survived = 0
        for command in COMMANDS:
            try:
                run_command(command.split())
                survived += 1
            except InputError:
                told += 1
            except Exception as error:
                print(f"{command} after {file} is {how}: {error!r}")
        tally.count(survived == len(COMMANDS), told=told and told + survived == len(COMMANDS))
        monkeypatch.chdir(tmp_path)
        shutil.rmtree(root)
