"""The store is opened soon, or a message says why not and how to mend it."""

import os
import socket
import sqlite3
import time
from contextlib import closing

import pytest

from goldfold.tracking import client
from goldfold.tracking.client import Client, Refused, Unreachable, as_message, connect
from goldfold.tracking.delivery import open_store
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def store_with_a_run(tmp_path_factory):
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    root = tmp_path_factory.mktemp("made")
    Store(root).deliver(Record("mine", "a", "run a"))
    return (root / "mlflow.db").read_bytes()


def change(file, *statements):
    with closing(sqlite3.connect(file)) as store, store:
        for statement in statements:
            store.execute(statement)


def require_message(what, mend, within=5.0):
    """A connection is refused, with these words, in time."""
    started = time.monotonic()
    with pytest.raises(Unreachable) as refused:
        connect(client.Path.cwd())
    said, _, mended = str(refused.value).partition("\nTo mend it: ")
    assert what in said and mend in mended, refused.value
    assert time.monotonic() - started < within


def test_a_store_that_a_kill_left_unfinished_is_set_aside_and_what_waits_is_delivered(tmp_path, capsys):
    change(tmp_path / "mlflow.db", "CREATE TABLE experiments (id)", "CREATE TABLE runs (id)")
    (tmp_path / "mlflow.db-journal").write_bytes(b"of the unfinished one")
    Outbox(tmp_path / ".goldfold/outbox").put(Record("mine", "a", "run a", params={"lr": "1"}))
    store = open_store()
    assert store.runs(store.experiment("mine"), "a")[None].data.params == {"lr": "1"}
    assert {path.name for path in tmp_path.glob("mlflow.db*")} == {"mlflow.db", "mlflow.db.unfinished-1"}
    assert "mlflow.db was left unfinished by a kill; it is set aside as mlflow.db.unfinished-1" in capsys.readouterr().err


def test_a_store_is_there_whole_or_not_at_all(tmp_path, monkeypatch, stores_are_made):
    made = Client.__getattr__

    def interrupted(self, name):
        made(self, name)(max_results=1)
        assert [file.name for file in tmp_path.glob("mlflow.db*")] == []
        raise KeyboardInterrupt

    monkeypatch.setattr(Client, "__getattr__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        connect(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".mlflow.db.lock"}


@pytest.mark.parametrize(
    ("statement", "what", "mend"),
    [
        (
            "UPDATE alembic_version SET version_num = 'f00000000000'",
            "another version of MLflow",
            "install the MLflow that made it",
        ),
        ("UPDATE alembic_version SET version_num = '451aebb31d03'", "an older version of MLflow", "mlflow db upgrade sqlite:///"),
    ],
)
def test_a_store_of_another_mlflow_that_holds_runs_is_left_as_it_is(tmp_path, store_with_a_run, statement, what, mend):
    (tmp_path / "mlflow.db").write_bytes(store_with_a_run)
    change(tmp_path / "mlflow.db", statement)
    before = (tmp_path / "mlflow.db").read_bytes()
    require_message(what, mend)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_rubbish_in_place_of_a_store_is_told(tmp_path):
    (tmp_path / "mlflow.db").write_bytes(b"no database at all" * 1000)
    require_message("file is not a database", f"mv {tmp_path}/mlflow.db {tmp_path}/mlflow.db.broken")


def test_a_store_that_another_program_holds_is_told_in_time(tmp_path, store_with_a_run, monkeypatch):
    monkeypatch.setattr(client, "LOCKED_FOR", 0.1)
    (tmp_path / "mlflow.db").write_bytes(store_with_a_run)
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        require_message("database is locked", "wait for the program that holds it")


@pytest.mark.parametrize("uri", ["sqlite://mlflow.db", "sqlite:/mlflow.db", "sqlite:mlflow.db"])
def test_too_few_slashes_are_told(uri, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    require_message(f"MLFLOW_TRACKING_URI={uri} is no address of a database", f"write sqlite:///{tmp_path}/mlflow.db")


def test_an_address_that_leads_nowhere_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/file/mlflow.db")
    require_message("File exists", "correct MLFLOW_TRACKING_URI")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    require_message("./mlruns cannot be used", "correct MLFLOW_TRACKING_URI")


def test_a_leftover_folder_of_an_older_mlflow_does_no_harm(tmp_path):
    (tmp_path / "mlruns/0").mkdir(parents=True)
    (tmp_path / "mlruns/0/meta.yaml").write_text("experiment_id: '0'\n")
    store = Store(tmp_path)
    run = store.deliver(Record("mine", "a", "run a"))
    info = store.find("run a").info
    assert info.run_id == run and store.folder(info, "cv") is None


def test_a_server_that_is_not_there_or_never_answers_is_given_up_in_time(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    require_message("http://me:…@127.0.0.1:9 does not answer", "start the MLflow server")
    monkeypatch.setattr(client, "ANSWER_WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        require_message("does not answer (within 0.5 seconds)", "start the MLflow server")


def test_a_database_on_another_host_is_tried_once(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1:9/runs")
    require_message("does not answer", "correct MLFLOW_TRACKING_URI")


def test_an_error_of_ours_is_not_taken_for_one_of_the_store(tmp_path):
    with pytest.raises(TypeError):
        connect(tmp_path).get_run(1, 2, 3)


def test_what_a_servers_database_says_is_no_refusal():
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import BAD_REQUEST

    said = "(sqlite3.IntegrityError) UNIQUE constraint failed: params.key\n(Background: https://sqlalche.me/e/21/gkpj)"
    for text, kind in ((said, Unreachable), ("a param cannot be changed", Refused)):
        with pytest.raises(kind) as raised, as_message("http://server:5000"):
            raise MlflowException(text, error_code=BAD_REQUEST)
        assert raised.type is kind
