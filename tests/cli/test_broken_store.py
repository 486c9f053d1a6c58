"""Commands that need a store which cannot be used end in one message, and leave no traceback and no run behind."""

import shutil
import sqlite3
from contextlib import closing, suppress

import pytest

from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.tracking import client
from goldfold.tracking.life import ALIVE, PROCESS
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store

COMMANDS = (
    "ui",
    "prune --yes",
    "predict --run mine data/raw/tiny/test.csv",
    "export --run mine",
    "leaderboard --offline",
    "compare current mine",
    "report mine",
    "blend current mine",
    "bundle mine",
    "submit mine",
)


@pytest.fixture(scope="module")
def copied(tiny_repository, tmp_path_factory):
    return shutil.copytree(tiny_repository, tmp_path_factory.mktemp("broken") / "goldfold")


@pytest.fixture(params=["locked", "rubbish", "of another version", "empty folder", "down", "too few slashes"])
def broken(request, copied, tmp_path, monkeypatch):
    """A repository whose store cannot be used."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(copied))
    monkeypatch.setattr(client, "LOCKED_FOR", 0.05)
    monkeypatch.chdir(copied)
    store = copied / "mlflow.db"
    kept = shutil.copy(store, tmp_path / "kept.db")
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        if request.param == "locked":
            other.execute("BEGIN EXCLUSIVE")
        elif request.param == "of another version":
            other.execute("UPDATE alembic_version SET version_num = 'f00000000000'")
        elif request.param == "rubbish":
            store.write_bytes(b"rubbish" * 1000)
        elif request.param == "empty folder":
            store.unlink()
            store.mkdir()
        else:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", {"down": "http://127.0.0.1:9"}.get(request.param, "sqlite://mlflow.db"))
        yield request.param
    if store.is_dir():
        store.rmdir()
    shutil.copy(kept, store)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_cannot_be_used_is_one_message(broken, command, capsys):
    with pytest.raises(InputError) as refused:
        run_command(command.split())
    assert "To mend it: " in str(refused.value), refused.value
    assert "Traceback" not in capsys.readouterr().err


def test_a_leftover_folder_of_an_older_mlflow_is_overlooked(copied, monkeypatch, capsys):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(copied))
    monkeypatch.chdir(copied)
    (copied / "mlruns/0").mkdir(parents=True)
    (copied / "mlruns/0/meta.yaml").write_text("experiment_id: '0'\n")
    for command in ("leaderboard --offline", "predict --run mine data/raw/tiny/test.csv", "export --run mine"):
        with suppress(InputError):
            run_command(command.split())
    run_command(["leaderboard", "--offline"])
    assert "mine" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["summary", "leaderboard --offline", "ui"])
def test_commands_end_the_runs_of_dead_processes_and_deliver_what_waits(copied, monkeypatch, command):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(copied))
    monkeypatch.chdir(copied)
    monkeypatch.setattr("os.execve", lambda *_: None)
    store = Store(copied)
    run = store.running(Record("another competition", command, "killed"))
    for name, value in ((PROCESS, "0123456789abcdef"), (ALIVE, "0")):
        store.client.set_tag(run, name, value)
    Outbox(copied / ".goldfold/outbox").put(Record("tiny", command, "waited", params={"lr": "1"}))
    run_command(command.split())
    assert store.client.get_run(run).info.status == "KILLED"
    assert store.runs(store.experiment("tiny"), command)[None].data.params == {"lr": "1"}
