"""The store, in the process; whole runs are in tests/pipeline."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from goldfold.runs.run import all_runs
from goldfold.tracking.delivery import deliver_waiting
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.stage import flat_params
from goldfold.tracking.store import PROCESS, Store, Unreachable

SOURCE = Path(__file__).parents[2] / "src"


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    root = tmp_path_factory.mktemp("root")
    return root, Store(root)


def record(key, **content):
    return Record(experiment="mine", key=key, name=f"run {key}", **content)


@pytest.mark.slow
def test_a_record_makes_its_parent_and_child_once(made):
    _, store = made
    child = record(
        "a", fold="fold 2", params={"lr": "1"}, metrics=[("loss", 0.5, 0, 1.0), ("map@5|x", 1.0, 0, 1.0)], status="FINISHED"
    )
    assert store.deliver(child) == store.deliver(child)
    runs = store.runs(store.experiment("mine"), "a")
    assert set(runs) == {None, "fold 2"}
    assert runs["fold 2"].data.tags["mlflow.parentRunId"] == runs[None].info.run_id
    assert runs["fold 2"].data.metrics == {"loss": 0.5, "map_5_x": 1.0}
    assert len(store.client.get_metric_history(runs["fold 2"].info.run_id, "loss")) == 1


def test_params_that_are_there_already_are_left(made):
    _, store = made
    store.deliver(record("b", params={"lr": "1"}))
    store.deliver(record("b", params={"lr": "2", "epochs": "3"}))
    assert store.runs(store.experiment("mine"), "b")[None].data.params == {"lr": "1", "epochs": "3"}


def test_a_run_whose_process_is_gone_is_killed_and_one_that_lives_is_not(made):
    _, store = made
    gone, lives = store.running(record("gone")), store.running(record("lives"))
    host = store.client.get_run(gone).data.tags[PROCESS].rpartition(":")[0]
    store.client.set_tag(gone, PROCESS, f"{host}:4194303")
    store.end_killed("mine")
    assert [store.client.get_run(run).info.status for run in (gone, lives)] == ["KILLED", "RUNNING"]


def test_a_parent_does_not_end_while_another_process_trains_a_fold(made):
    _, store = made
    parent = store.running(record("c"))
    store.running(record("c", fold="fold 1"))
    store.end_parent(record("c", status="FINISHED"))
    assert store.client.get_run(parent).info.status == "RUNNING"
    store.deliver(record("c", fold="fold 1", status="FINISHED"))
    store.end_parent(record("c", status="FINISHED"))
    assert store.client.get_run(parent).info.status == "FINISHED"


def test_the_outbox_keeps_copies_until_they_are_delivered(made, tmp_path):
    _, store = made
    file = tmp_path / "table.csv"
    file.write_text("1")
    outbox = Outbox(tmp_path / "outbox")
    outbox.put(record("d", artifacts={str(file): "cv"}))
    outbox.put(record("d", status="FAILED"))
    file.unlink()
    deliver_waiting(outbox, store)
    assert outbox.waiting() == []
    run = store.runs(store.experiment("mine"), "d")[None]
    assert run.info.status == "FAILED"
    assert [artifact.path for artifact in store.client.list_artifacts(run.info.run_id, "cv")] == ["cv/table.csv"]


def test_a_record_that_is_refused_does_not_stop_those_behind_it(made, tmp_path, capsys):
    _, store = made
    outbox = Outbox(tmp_path / "outbox")
    folder = outbox.put(record("refused", params={"a:b$%": "1"}))
    outbox.put(record("behind", params={"lr": "1"}))
    deliver_waiting(outbox, store)
    assert outbox.waiting() == [] and (tmp_path / "outbox/refused" / folder.name / "record.json").is_file()
    assert store.runs(store.experiment("mine"), "behind")[None].data.params == {"lr": "1"}
    assert "MLflow refused a record of run refused, which is kept in" in capsys.readouterr().err


def test_the_artifacts_move_with_the_repository(made, tmp_path):
    root, store = made
    (tmp_path / "file.txt").write_text("1")
    run = store.deliver(record("e", artifacts={str(tmp_path / "file.txt"): "cv"}))
    moved = shutil.copytree(root, tmp_path / "moved")
    client = Store(moved).client
    assert client.get_run(run).info.artifact_uri.startswith((moved / "mlartifacts").as_uri())
    assert [artifact.path for artifact in client.list_artifacts(run, "cv")] == ["cv/file.txt"]
    assert store.client.get_run(run).info.artifact_uri.startswith((root / "mlartifacts").as_uri())


def test_a_server_that_does_not_answer_is_given_up_at_once(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.raises(Unreachable, match=r"http://127.0.0.1:9 does not answer"):
        Store(tmp_path)


def test_params_are_flat(settings):
    flat = flat_params(settings(optimizer={"name": "sgd", "momentum": 0.9}))
    assert flat["train.optimizer.momentum"] == "0.9" and flat["augment.0.rotate"] == "[-10, 10]" and flat["model.args"] == "{}"


@pytest.mark.slow
def test_several_processes_may_open_a_fresh_store_at_once(tmp_path):
    code = "import sys, pathlib; from goldfold.tracking.store import Store; Store(pathlib.Path(sys.argv[1])).experiment('mine')"
    command = [sys.executable, "-c", code, str(tmp_path)]
    started = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(SOURCE)}, stderr=subprocess.PIPE) for _ in range(3)]
    said = [process.communicate()[1].decode() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    assert [experiment.name for experiment in Store(tmp_path).client.search_experiments()].count("mine") == 1


def test_results_come_oldest_first_with_the_time_that_their_folds_took(made, monkeypatch):
    root, store = made
    monkeypatch.setenv("DVC_ROOT", str(root))
    experiment = store.experiment("timed")
    for key, at in (("later", 5000), ("first", 1000)):
        store.client.create_run(experiment, start_time=at, run_name=key, tags={"goldfold.key": key})
        parent = store.runs(experiment, key)[None].info.run_id
        tags = {"goldfold.key": key, "goldfold.fold": "fold 0", "mlflow.parentRunId": parent}
        fold = store.client.create_run(experiment, start_time=at, tags=tags).info.run_id
        store.client.set_terminated(fold, end_time=at + 2500)
    parent = store.runs(experiment, "later")[None].info.run_id
    cached = {"goldfold.key": "later", "goldfold.fold": "fold 1", "mlflow.parentRunId": parent}
    again = store.client.create_run(experiment, start_time=9000, tags={**cached, "goldfold.trained_by": fold}).info.run_id
    store.client.set_terminated(again, end_time=9001)
    store.client.create_run(experiment, start_time=9500, run_name="by hand")
    runs = all_runs("timed")
    assert [(run.name, run.seconds) for run in runs] == [("first", 2.5), ("later", 5.0), ("by hand", 0.0)]
    assert (runs[1].origin.key, runs[1].origin.name) == ("later", "later") and runs[2].origin is None
