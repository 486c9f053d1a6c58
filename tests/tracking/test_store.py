"""The store, in the process; whole runs are in tests/pipeline."""

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest import mock

import pytest

from goldfold.runs.run import all_runs
from goldfold.tracking import life
from goldfold.tracking.client import Taken, Unreachable
from goldfold.tracking.content import flat_params
from goldfold.tracking.datasets import Dataset
from goldfold.tracking.delivery import deliver_waiting, open_store, send
from goldfold.tracking.files import local_folder, model_folder, register_model
from goldfold.tracking.life import ALIVE, GONE_AFTER, PROCESS, Heart
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import HOLD, KEY, Store

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


TABLES = [Dataset("mine-train", "a1", '{"uri": "train"}', "", '{"num_rows": 3}', "training")]


@pytest.mark.slow
def test_a_run_has_its_datasets_and_one_model_with_its_scores_however_often_it_is_logged(made, tmp_path):
    _, store = made
    files = {}
    for name in ("MLmodel", "model.safetensors"):
        (tmp_path / name).write_bytes(b"1")
        files[str(tmp_path / name)] = "model" if name == "MLmodel" else "model/data"
    store.deliver(record("m", metrics=[("accuracy", 0.9, 0, 1.0)], datasets=TABLES))
    for _ in range(2):
        store.deliver(record("m", artifacts=files, datasets=TABLES))
    run = store.runs(store.experiment("mine"), "m")[None]
    (table,), (model,) = run.inputs.dataset_inputs, run.outputs.model_outputs
    assert (table.dataset.name, table.tags[0].value) == ("mine-train", "training")
    logged = store.client.get_logged_model(model.model_id)
    folder = local_folder(logged.artifact_location)
    assert os.stat(folder / "data/model.safetensors").st_nlink == 2 and (folder / "MLmodel").read_bytes() == b"1"
    assert [(one.key, one.value, one.dataset_digest) for one in logged.metrics] == [("accuracy", 0.9, "a1")]
    assert logged.status == "READY" and model_folder(store.client, run) == folder
    assert len(store.client.get_metric_history(run.info.run_id, "accuracy")) == 1
    assert [register_model(store.client, run, "mine") for _ in range(2)] == ["1", "1"]
    store.client.delete_registered_model("mine")


@pytest.mark.slow
def test_where_a_store_keeps_no_models_a_model_is_among_the_runs_files(made, tmp_path, monkeypatch):
    _, store = made
    (tmp_path / "MLmodel").write_bytes(b"1")
    monkeypatch.setattr(
        store.client, "search_logged_models", mock.Mock(side_effect=Unreachable("no such address")), raising=False
    )
    store.deliver(record("old", artifacts={str(tmp_path / "MLmodel"): "model"}))
    run = store.runs(store.experiment("mine"), "old")[None]
    assert [file.path for file in store.client.list_artifacts(run.info.run_id, "model")] == ["model/MLmodel"]


def run_in(command, root):
    """Run code in another process, which has a store and a record; return what it printed."""
    head = "import os, pathlib, signal; from goldfold.tracking.record import Record; from goldfold.tracking.store import Store\n"
    head += f"store = Store(pathlib.Path({str(root)!r}))\n"
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    return subprocess.run([sys.executable, "-c", head + command], env=env, capture_output=True, text=True, check=False).stdout


@pytest.mark.slow
def test_a_run_ends_with_its_process_in_whatever_competition_and_one_that_lives_does_not(made):
    root, store = made
    killed = "print(store.running(Record('another', 'killed', 'killed')), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    gone, lives = run_in(killed, root).strip(), store.running(record("lives"))
    assert store.client.get_run(gone).info.status == "RUNNING"
    Store(root)
    assert [store.client.get_run(run).info.status for run in (gone, lives)] == ["KILLED", "RUNNING"]
    assert [file.name for file in (root / ".goldfold/alive").iterdir()] == [store.client.get_run(lives).data.tags[PROCESS]]


def test_a_run_of_another_clone_ends_when_its_heart_has_stopped(made):
    root, store = made
    gone, lives = store.running(record("silent elsewhere")), store.running(record("beats elsewhere"))
    for run, ago in ((gone, GONE_AFTER + 1), (lives, GONE_AFTER - 60)):
        store.client.set_tag(run, PROCESS, "0123456789abcdef")
        store.client.set_tag(run, ALIVE, str(time.time() - ago))
    Store(root)
    assert [store.client.get_run(run).info.status for run in (gone, lives)] == ["KILLED", "RUNNING"]


@pytest.fixture
def beats(made, monkeypatch):
    """Beats of a heart at a store: each waits until it was felt."""
    monkeypatch.setattr(life, "BEAT", 0.01)
    _, store = made
    felt, heart = threading.Semaphore(0), Heart()

    class Listening:
        def __getattr__(self, name):
            return getattr(store.client, name)

        def get_run(self, run_id):
            # The beat before this one is over.
            felt.release()
            return store.client.get_run(run_id)

    def wait():
        for _ in range(2):
            assert felt.acquire(timeout=20)

    yield heart, Listening(), wait
    heart.stop()


def test_a_heart_renews_the_time_of_its_runs(made, beats):
    _, store = made
    heart, client, beat = beats
    run = store.running(record("beats"))
    store.client.set_tag(run, ALIVE, "0")
    heart.beat_for(client, run)
    beat()
    assert float(store.client.get_run(run).data.tags[ALIVE]) > 0


@pytest.mark.parametrize("jump", [-1e6, 1e6])
def test_a_living_run_runs_on_where_another_clone_s_clock_jumps(made, beats, monkeypatch, tmp_path, jump):
    _, store = made
    heart, client, beat = beats
    run = store.running(record(f"jump {jump}"))
    heart.beat_for(client, run)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    with monkeypatch.context() as patch:
        patch.setattr(life, "time", mock.Mock(time=lambda now=time.time: now() + jump))
        Store(tmp_path)
    beat()
    beat()
    assert store.client.get_run(run).info.status == "RUNNING"
    heart.rest_for(run)
    store.client.set_terminated(run, status="FINISHED")
    heart.beat_for(client, store.running(record("another")))
    beat()
    assert store.client.get_run(run).info.status == "FINISHED"


def test_an_experiment_that_another_clone_makes_at_once_is_used(made, monkeypatch):
    _, store = made
    there, asked = store.experiment("both"), []

    def not_yet(name):
        asked.append(name)
        return None if len(asked) == 1 else client.get_experiment_by_name(name)

    client = store.client
    monkeypatch.setattr(store, "client", mock.Mock(wraps=client, get_experiment_by_name=not_yet))
    assert store.experiment("both") == there and len(asked) == 2


def test_clones_that_miss_a_run_make_it_one_after_the_other(made):
    _, store = made
    with pytest.raises(Taken), store._alone():
        store.client.create_registered_model(HOLD)
    assert not list(store.client.search_registered_models())


def test_what_a_killed_clone_holds_is_taken_from_it(made, monkeypatch):
    monkeypatch.setattr("goldfold.tracking.store.HELD_AT_MOST", 0.0)
    _, store = made
    store.client.create_registered_model(HOLD)
    assert store.deliver(record("after a kill"))
    assert not list(store.client.search_registered_models())


@pytest.mark.slow
def test_clones_that_deliver_at_once_make_one_run_and_one_of_its_fold(made):
    root, store = made
    code = "store.deliver(Record('mine', 'at once', 'run', fold='fold 0', metrics=[('loss', 0.5, 0, 1.0)]))"
    code = f"import sys; sys.stdin.readline()\n{code}\nprint('done')"
    head = "import pathlib; from goldfold.tracking.record import Record; from goldfold.tracking.store import Store\n"
    head += f"store = Store(pathlib.Path({str(root)!r}))\n"
    env = {**os.environ, "PYTHONPATH": str(SOURCE)}
    clones = [
        subprocess.Popen([sys.executable, "-c", head + code], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    for clone in clones:
        clone.stdin.write("go\n")
        clone.stdin.flush()
    assert [clone.communicate()[0] for clone in clones] == ["done\n"] * 3
    found = store.client.search_runs([store.experiment("mine")], "tags.`goldfold.key` = 'at once'")
    assert sorted(run.data.tags.get("goldfold.fold", "") for run in found) == ["", "fold 0"]


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


def test_artifacts_are_read_where_they_lie_and_downloads_go_with_their_reader(made, tmp_path, monkeypatch):
    _, store = made
    file = tmp_path / "table.csv"
    file.write_text("1")
    store.deliver(record("f", artifacts={str(file): "cv"}))
    info = store.runs(store.experiment("mine"), "f")[None].info
    assert store.folder(info, "cv").parent == local_folder(info.artifact_uri)

    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "away"))
    monkeypatch.setattr("goldfold.tracking.store.local_folder", lambda uri: None)
    fetched = store.folder(info, "cv")
    assert fetched.is_relative_to(tmp_path / "away") and (fetched / "table.csv").read_text() == "1"
    store.downloads.close()
    assert list((tmp_path / "away").rglob("*.csv")) == []


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


def test_a_record_that_is_cut_is_set_aside_and_those_behind_it_are_delivered(made, tmp_path, capsys):
    _, store = made
    outbox = Outbox(tmp_path / "outbox")
    cut, emptied = outbox.put(record("cut", params={"lr": "1"})), outbox.put(record("emptied"))
    outbox.put(record("behind the cut", params={"lr": "1"}))
    os.truncate(cut / "record.json", 20)
    os.truncate(emptied / "record.json", 0)
    deliver_waiting(outbox, store)
    assert outbox.waiting() == [] and {path.name for path in (outbox.folder / "refused").iterdir()} == {cut.name, emptied.name}
    assert store.runs(store.experiment("mine"), "behind the cut")[None].data.params == {"lr": "1"}
    assert capsys.readouterr().err.count("a record is cut or altered; it is kept in") == 2


def test_a_disk_that_takes_no_record_has_it_delivered_at_once(made, monkeypatch, tmp_path, capsys):
    root, store = made
    monkeypatch.setenv("DVC_ROOT", str(root))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("goldfold.tracking.record.shutil.copyfile", full)
    (tmp_path / "table.csv").write_text("1")
    send(record("no room", params={"lr": "1"}, artifacts={str(tmp_path / "table.csv"): "cv"}))
    assert store.runs(store.experiment("mine"), "no room")[None].data.params == {"lr": "1"}
    assert "the outbox takes nothing: the disk is full" in capsys.readouterr().err


def test_opening_the_store_delivers_what_waits(made, monkeypatch):
    root, store = made
    monkeypatch.setenv("DVC_ROOT", str(root))
    Outbox(root / ".goldfold/outbox").put(record("waited", params={"lr": "1"}))
    open_store()
    assert store.runs(store.experiment("mine"), "waited")[None].data.params == {"lr": "1"}


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


def test_a_parent_whose_making_was_killed_is_ended_by_the_next_record(made):
    _, store = made
    half = store.client.create_run(store.experiment("mine"), run_name="run half", tags={KEY: "half"})
    store.take(record("half", fold="fold 0", status="FINISHED"))
    runs = store.runs(store.experiment("mine"), "half")
    assert {fold: run.info.status for fold, run in runs.items()} == {None: "FINISHED", "fold 0": "FINISHED"}
    assert runs[None].info.run_id == half.info.run_id
