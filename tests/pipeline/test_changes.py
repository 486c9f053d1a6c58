"""What reruns after a change, and how MLflow shows it."""

import json
import os
import re
import signal
import time

import pandas as pd

from goldfold.tracking.life import is_gone

QUICK = ("-S", "train.epochs=1", "-S", "split.folds=[0]")


def stages_run(said):
    return re.findall(r"Running stage '(?:.*:)?(.+?)'", said)


def test_a_predict_setting_trains_nothing_again_and_its_parent_has_all_folds(clone):
    first = clone.parents()[0]
    said = clone.run("dvc", "exp", "run", "-n", "logits", "-S", "predict.average=logits")
    assert stages_run(said) == ["check", "validate", "predict"]
    parents = clone.parents()
    assert [run.info.run_name for run in parents] == [first.info.run_name, "logits"]
    children = clone.children(parents[1])
    assert len(children) == 5
    trained = {run.info.run_id for run in clone.children(first)}
    assert {child.data.tags["goldfold.trained_by"] for child in children} == trained
    assert parents[1].data.metrics["accuracy"] == first.data.metrics["accuracy"]
    assert all(child.data.metrics["best_accuracy"] > 0.9 for child in children)
    # Back to what was: everything comes from DVC's cache, and no run is added.
    said = clone.run("dvc", "exp", "run", "-S", "predict.average=predictions")
    assert stages_run(said) == [] and len(clone.parents()) == 2


def test_an_edit_that_can_change_no_result_trains_nothing_again_and_adds_no_run(clone):
    (clone.folder / "src/own/next_loss.py").write_text("tomorrow = 1\n")
    for name in ("modalities/image/saliency.py", "training/step.py", "cli/summary.py"):
        module = clone.folder / "src/goldfold" / name
        module.write_text(module.read_text() + "# a comment\n")
    said = clone.run("dvc", "repro", "-s", "train", "predict")
    assert stages_run(said) == ["train", "predict"]
    assert "fold 0: already trained with these settings" in said and "epoch" not in said
    assert len(clone.parents()) == 1 and len(clone.children(clone.parents()[0])) == 5


def test_folds_of_another_configuration_are_not_mixed_in(clone, set_params):
    set_params(clone, split__folds=[0])
    said = clone.run("dvc", "repro")
    assert stages_run(said) == ["check", "train", "validate", "predict"]
    assert "fold 0: already trained with these settings" in said and "epoch" not in said
    assert not (clone.folder / "experiments/current/folds/1").exists()
    oof = pd.read_parquet(clone.folder / "experiments/current/cv/oof.parquet")
    assert set(oof["fold"]) == {0} and len(oof) == 288
    metrics = json.loads((clone.folder / "experiments/current/cv/metrics.json").read_text())
    assert list(metrics["accuracy"]["fold"]) == ["0"]
    (child,) = clone.children(clone.parents()[-1])
    first = {run.info.run_id for run in clone.children(clone.parents()[0])}
    assert child.data.tags["goldfold.trained_by"] in first
    assert "accuracy.oof" in clone.run("dvc", "metrics", "diff")


def test_queued_and_temporary_experiments_land_in_the_same_store_and_find_what_is_trained(clone):
    clone.run("dvc", "exp", "run", "--queue", "-n", "queued", *QUICK, "-S", "train.lr=0.004")
    clone.run("dvc", "exp", "run", "--run-all")
    changed = ("-S", "predict.average=logits", "-S", "train.max_hours=5")
    said = clone.run("dvc", "exp", "run", "--temp", "-n", "temporary", *changed)
    assert said.count("already trained with these settings") == 5 and "epoch" not in said
    parents = {run.info.run_name: run for run in clone.parents()}
    assert {"queued", "temporary"} <= set(parents)
    assert parents["queued"].data.params["train.lr"] == "0.004"
    for name, folds in (("queued", 1), ("temporary", 5)):
        assert parents[name].info.status == "FINISHED"
        assert len(clone.children(parents[name])) == folds
        assert parents[name].info.artifact_uri.startswith((clone.folder / "mlartifacts").as_uri())
    shown = clone.run("dvc", "exp", "show", "--csv")
    assert "queued" in shown and "temporary" in shown


LATE = """
import torch


class Late(torch.nn.CrossEntropyLoss):
    calls = 0

    def forward(self, logits, target):
        Late.calls += 1
        return super().forward(logits, target) * (float("nan") if Late.calls > 20 else 1)
"""


def test_a_failing_stage_marks_its_run_failed_and_leaves_nothing_running(clone):
    (clone.folder / "src/own/late.py").write_text(LATE)
    said = clone.run("dvc", "exp", "run", "-n", "too-hot", *QUICK, "-S", "train.loss=own.late:Late", expect=None)
    assert "the training loss of fold 0 is" in said and "To mend it:" in said and "Traceback" not in said
    parent = clone.parents()[-1]
    assert parent.info.run_name == "too-hot"
    assert [run.info.status for run in [parent, *clone.children(parent)]] == ["FAILED", "FAILED"]
    assert "RUNNING" not in {run.info.status for run in clone.runs()}


def test_after_a_kill_another_run_marks_the_ones_that_it_left_running(clone, set_params):
    set_params(clone, split__folds=[0], train__epochs=40, train__batch_size=16)
    process = clone.start("dvc", "repro")
    for line in process.stdout:
        if "epoch  1/40" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    parent = clone.parents()[-1]
    (child,) = clone.children(parent)
    assert (parent.info.status, child.info.status) == ("RUNNING", "RUNNING")

    # A run of other settings marks the ones that the kill left.
    _until_gone(clone, child)
    set_params(clone, train__epochs=1)
    clone.run("dvc", "repro")
    statuses = {run.info.run_id: run.info.status for run in clone.runs()}
    assert statuses[parent.info.run_id] == statuses[child.info.run_id] == "KILLED"
    assert "RUNNING" not in statuses.values()


def _until_gone(clone, run):
    """Wait for the kernel to end the killed process."""
    for _ in range(100):
        if is_gone(clone.folder, run.data.tags, run.info.start_time / 1000):
            return
        time.sleep(0.05)


def test_an_unreachable_server_stops_nothing_and_hears_all_of_it_later(clone):
    nobody = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    said = clone.run("dvc", "exp", "run", "-n", "offline", *QUICK, **nobody)
    assert stages_run(said) == ["check", "train", "validate", "predict"]
    assert said.count("tracking: http://127.0.0.1:9 does not answer") == 3
    assert "passed the contract" in said
    assert "offline" not in {run.info.run_name for run in clone.runs()}

    clone.run("goldfold", "summary")
    parent = clone.parents()[-1]
    (child,) = clone.children(parent)
    assert parent.info.run_name == "offline"
    assert {parent.info.status, child.info.status} == {"FINISHED"}
    assert parent.data.metrics["accuracy"] and child.data.metrics["train_loss"]
    assert not list((clone.folder / ".goldfold/outbox").glob("*"))


def test_a_moved_repository_keeps_its_artifacts(clone):
    from mlflow import MlflowClient

    clone.run("goldfold", "summary")
    client = MlflowClient(f"sqlite:///{clone.folder / 'mlflow.db'}")
    parent = clone.parents()[0]
    assert parent.info.artifact_uri.startswith((clone.folder / "mlartifacts").as_uri())
    assert {artifact.path for artifact in client.list_artifacts(parent.info.run_id, "submission")} == {
        "submission/submission.csv",
        "submission/predictions.parquet",
        "submission/by_fold.parquet",
    }
    assert (clone.model(parent) / "MLmodel").is_relative_to(clone.folder) and (clone.model(parent) / "MLmodel").is_file()


def test_a_solution_of_another_competition_does_not_spoil_the_result(clone):
    solution = clone.folder / "data/demo/solution.csv"
    table = pd.read_csv(solution, dtype=str)
    table.assign(id=[f"{row}-{row % 7}" for row in range(len(table))]).to_csv(solution, index=False)
    said = clone.run("goldfold", "summary")
    assert "test score  none: " in said and "360 ids of the solution" in said
