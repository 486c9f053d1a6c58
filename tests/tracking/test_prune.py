"""Pruning, on a store with runs of a few kilobytes."""

import os

import pytest

from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.metrics import find_metric
from goldfold.runs.run import find_run
from goldfold.terminal.runs import show_pruning
from goldfold.tracking.delivery import deliver_waiting
from goldfold.tracking.files import local_folder
from goldfold.tracking.prune import carry_out, plan_pruning
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store

pytestmark = pytest.mark.slow

SIZE = 5000
ACCURACY = find_metric("accuracy", "multiclass")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "root").mkdir()
    return Store(tmp_path / "root")


@pytest.fixture
def log(store, tmp_path):
    """Log a run with a checkpoint, by way of the outbox, as a stage does; return its id and the checkpoint's file."""

    def of(name, score=None, *, tags=None, weights=None):
        source = tmp_path / "folds" / (weights or name) / "model.safetensors"
        if not source.is_file():
            source.parent.mkdir(parents=True)
            source.write_bytes(name[:1].encode() * SIZE)
        outbox = Outbox(store.root / "outbox")
        metrics = [] if score is None else [("accuracy", score, 0, 1.0)]
        for target in ("folds/0/0", "model/data/folds/0/0"):
            outbox.put(Record("mine", name, name, metrics=metrics, tags=tags or {}, artifacts={str(source): target}))
        deliver_waiting(outbox, store)
        run = store.find(name)
        return run.info.run_id, local_folder(run.info.artifact_uri) / "folds/0/0/model.safetensors"

    return of


def planned(store, keep, current=""):
    plan = plan_pruning(store, "mine", ACCURACY, keep, current)
    return plan, {holder.name: holder.keeps for holder in plan.holders}


def test_weights_are_on_the_disk_once_however_many_runs_have_them(store, log, tmp_path):
    first, second = log("a", 0.9)[1], log("b", 0.8, weights="a")[1]
    source = tmp_path / "folds/a/model.safetensors"
    assert len({os.stat(path).st_ino for path in (first, second, source)}) == 1 and os.stat(source).st_nlink == 5
    # Logged again, and written anew, it is another file: no run's checkpoint changes by it.
    log("a", 0.9)
    source.unlink()
    source.write_bytes(b"new")
    assert first.read_bytes() == second.read_bytes() == b"a" * SIZE


def test_the_best_the_submitted_and_what_they_are_made_of_are_kept(store, log):
    for name, score in {"best": 0.9, "second": 0.8, "third": 0.7, "fourth": 0.6, "fifth": 0.5}.items():
        log(name, score, tags={"goldfold.submitted.7": "yes"} if name == "fifth" else None)
    log("unscored")
    member = log("member", 0.1)[0]
    blend = Record(
        "mine", "blend", "blend", tags={"goldfold.submitted.7": "yes", "goldfold.members": f"member ({member}), x (1)"}
    )
    store.deliver(blend)
    _, kept = planned(store, 2, current="fourth")
    assert kept == {
        "best": "among the best 2",
        "second": "among the best 2",
        "third": "",
        "fourth": "the current result",
        "fifth": "submitted",
        "unscored": "no accuracy",
        "member": "in a submitted blend",
    }
    lower = plan_pruning(store, "mine", find_metric("log_loss", "multiclass"), 1, "")
    assert {holder.keeps for holder in lower.holders} == {"no log_loss", "submitted", "in a submitted blend"}


def test_what_is_freed_is_what_no_other_file_holds(store, log, tmp_path, monkeypatch, capsys):
    log("best", 0.9)
    log("same", 0.8, weights="best")
    freed = log("other", 0.7)
    (tmp_path / "folds/other/model.safetensors").unlink()
    plan, kept = planned(store, 1)
    assert [name for name, why in kept.items() if not why] == ["same", "other"]
    assert (plan.freed, plan.shared) == (SIZE, SIZE)
    show_pruning(plan, "mine", "accuracy")
    assert "loses       other" in capsys.readouterr().out
    carry_out(store, plan)
    assert not freed[1].exists() and store.client.get_run(freed[0]).data.tags["goldfold.pruned"]
    assert store.client.get_run(freed[0]).data.metrics["accuracy"] == 0.7
    assert (tmp_path / "folds/best/model.safetensors").read_bytes() == b"b" * SIZE
    assert planned(store, 1)[0].losing == []
    monkeypatch.chdir(store.root)
    with pytest.raises(InputError, match="other has no checkpoints"):
        find_run("other").folds()


def test_it_asks_before_it_deletes(store, log, tmp_path, monkeypatch, capsys, digits):
    monkeypatch.chdir(store.root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (store.root / "data/prepared").mkdir(parents=True)
    digits.save(store.root / "data/prepared")
    (store.root / "params.yaml").write_text("{competition: {path: x}, model: {name: x}}")
    for name, score in (("best", 0.9), ("worse", 0.8)):
        store.deliver(Record(digits.problem.name, name, name, metrics=[("accuracy", score, 0, 1.0)]))
        run = store.find(name)
        (local_folder(run.info.artifact_uri) / "folds").mkdir(parents=True)
        (local_folder(run.info.artifact_uri) / "folds/model.safetensors").write_bytes(b"1")
    with pytest.raises(InputError, match="no terminal to ask in"):
        run_command(["prune", "--keep", "1"])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "n")
    with pytest.raises(SystemExit):
        run_command(["prune", "--keep", "1"])
    assert len(list((store.root / "mlartifacts").rglob("model.safetensors"))) == 2
    monkeypatch.setattr("builtins.input", lambda _: "y")
    run_command(["prune", "--keep", "1"])
    assert "deleted     the checkpoints of 1 run;" in capsys.readouterr().out
    assert len(list((store.root / "mlartifacts").rglob("model.safetensors"))) == 1
    run_command(["prune", "--keep", "1"])
    assert "all keep them" in capsys.readouterr().out


def test_it_leaves_of_a_clusters_storage_the_prepared_set(store, tmp_path, monkeypatch, capsys, digits):
    monkeypatch.chdir(store.root)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    (store.root / "data/prepared").mkdir(parents=True)
    digits.save(store.root / "data/prepared")
    address = tmp_path / "shared"
    (store.root / "params.yaml").write_text(f"{{competition: {{path: x}}, model: {{name: x}}, runtime: {{storage: {address}}}}}")
    for place in (f"prepared/{digits.fingerprint}", "prepared/old", "states/key/000001-a", "files/f"):
        (address / place).mkdir(parents=True)
        (address / place / "a").write_bytes(bytes(10**6))
    with pytest.raises(InputError, match="no terminal to ask in"):
        run_command(["prune"])
    assert len(list(address.rglob("a"))) == 4
    run_command(["prune", "--yes"])
    assert "frees       3.0 MB, by 3 other prepared sets, files and unfinished trainings" in capsys.readouterr().out
    assert [path.parent.name for path in address.rglob("a")] == [digits.fingerprint]
    run_command(["prune", "--yes"])
    assert "frees" not in capsys.readouterr().out
