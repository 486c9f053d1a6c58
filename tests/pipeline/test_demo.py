"""The embedded competition with the default settings, from a fresh clone."""

import json
import re

import pandas as pd

EPOCHS = 12


def test_the_cv_score_and_the_hidden_score_reach_99_percent(finished):
    metrics = json.loads((finished.folder / "experiments/current/cv/metrics.json").read_text())
    assert metrics["accuracy"]["oof"] >= 0.99
    assert metrics["rows"] == 1437
    hidden = re.search(r"test score  accuracy (\S+) against data/demo/solution.csv", finished.log)
    assert hidden and float(hidden[1]) >= 0.99


def test_the_last_lines_tell_the_result(finished):
    last = finished.log.rstrip().splitlines()[-7:]
    named = [line[:10].strip() for line in last]
    assert named == ["CV", "per fold", "submission", "test score", "report", "MLflow run", "see it"]
    assert "95% interval" in last[0] and "0: 0.9" in last[1] and "submission.csv: 360 rows, passed" in last[2]
    assert (finished.folder / last[4].split()[1].rstrip(":")).is_file()
    assert last[5].split()[-1] == finished.parents()[0].info.run_name


def test_each_epoch_is_one_plain_line_without_a_terminal(finished):
    lines = [line for line in finished.log.splitlines() if line.startswith("fold 3 epoch")]
    assert len(lines) == EPOCHS
    assert all(re.search(r"loss .* accuracy .* lr .* rows/s .* left", line) for line in lines)
    assert "\x1b" not in finished.log


def test_the_submission_answers_the_sample(finished):
    folder = finished.folder
    submission = pd.read_csv(folder / "experiments/current/submission/submission.csv", dtype=str)
    sample = pd.read_csv(folder / "data/demo/digits/sample_submission.csv", dtype=str)
    assert list(submission.columns) == list(sample.columns)
    assert list(submission["id"]) == list(sample["id"])
    assert set(submission["label"]) <= {str(digit) for digit in range(10)}


def test_no_stage_reads_the_hidden_labels(finished):
    lock = (finished.folder / "dvc.lock").read_text()
    assert "path: data/demo/digits" in lock
    assert "path: data/demo/solution.csv" not in lock
    assert not list((finished.folder / "data/prepared").glob("*solution*"))


def test_the_store_has_one_parent_with_all_folds(finished):
    (parent,) = finished.parents()
    children = finished.children(parent)
    assert sorted(child.info.run_name for child in children) == [f"fold {fold}" for fold in range(5)]
    assert {run.info.status for run in [parent, *children]} == {"FINISHED"}
    assert all("goldfold.trained_by" not in child.data.tags for child in children)


def test_the_parent_tells_the_whole_story(finished):
    (parent,) = finished.parents()
    metrics = parent.data.metrics
    assert metrics["accuracy_low"] <= metrics["accuracy"] <= metrics["accuracy_high"]
    assert {f"accuracy_fold_{fold}" for fold in range(5)} <= set(metrics)
    assert metrics["accuracy_test"] >= 0.99
    assert parent.data.params["train.lr"] == "0.003" and parent.data.params["augment.0.name"] == "Affine"
    head = finished.run("git", "rev-parse", "HEAD~1").strip()
    assert parent.data.tags["mlflow.source.git.commit"] == head
    assert parent.data.tags["goldfold.data"]


def test_the_audit_finds_nothing_and_its_page_is_in_the_run(finished):
    from mlflow import MlflowClient

    assert "audit: nothing found, page at data/prepared/audit/audit.html" in finished.log
    assert (finished.folder / "data/prepared/audit/audit.html").is_file()
    client = MlflowClient(f"sqlite:///{finished.folder / 'mlflow.db'}")
    logged = client.list_artifacts(finished.parents()[0].info.run_id, "audit")
    assert [artifact.path for artifact in logged] == ["audit/audit.html", "audit/audit.json"]
    assert "Nothing was found" in (finished.folder / "experiments/current/report/report.html").read_text()


def test_a_child_has_its_curves_each_epoch_once(finished):
    from mlflow import MlflowClient

    (parent,) = finished.parents()
    child = finished.children(parent)[0]
    client = MlflowClient(f"sqlite:///{finished.folder / 'mlflow.db'}")
    for metric in ("train_loss", "valid_loss", "accuracy", "lr", "rows_per_second", "seconds"):
        history = client.get_metric_history(child.info.run_id, metric)
        assert sorted(point.step for point in history) == list(range(EPOCHS)), metric


def test_an_idle_repro_does_nothing_and_adds_no_run(finished):
    before = len(finished.runs())
    said = finished.run("dvc", "repro")
    assert "Data and pipelines are up to date." in said
    assert "Running stage" not in said
    finished.run("goldfold", "summary")
    assert len(finished.runs()) == before


def test_a_run_leaves_nothing_for_git_but_its_locks_and_its_score(finished):
    written = finished.run("git", "diff", "--name-only", "HEAD~1", "HEAD").split()
    assert written == ["data/demo/dvc.lock", "dvc.lock", "experiments/current/cv/metrics.json"]


def test_dvc_shows_metrics_plots_and_experiments(clone):
    assert "accuracy.oof" in clone.run("dvc", "metrics", "show")
    clone.run("dvc", "plots", "show", "--out", "shown")
    page = (clone.folder / "shown/index.html").read_text()
    assert "errors.png" in page
    assert "train.lr" in clone.run("dvc", "exp", "show", "--csv")


def test_the_image_cache_lies_on_the_disk_once(finished):
    pixels = finished.folder / "data/prepared/images.u8"
    links = [
        path for part in (".dvc/cache", ".goldfold/images") for path in (finished.folder / part).rglob("*") if path.is_file()
    ]
    assert [path.relative_to(finished.folder).parts[0] for path in links if path.samefile(pixels)] == [".dvc", ".goldfold"]


def test_a_checkpoint_lies_on_the_disk_once_though_its_run_has_it_too(finished):
    parent = finished.parents()[0]
    artifacts = finished.folder / "mlartifacts/digits" / parent.info.run_id / "artifacts"
    for fold in range(5):
        ours = finished.folder / f"experiments/current/folds/{fold}/0/model.safetensors"
        assert (artifacts / f"folds/{fold}/0/model.safetensors").samefile(ours)
        assert (artifacts / f"folds/{fold}/0/model.json").is_file()
        assert (finished.model(parent) / f"data/folds/{fold}/0/model.safetensors").samefile(ours)


def test_a_result_has_its_datasets_its_command_and_one_model_with_its_scores(finished):
    parent, children = finished.parents()[0], [run for run in finished.runs() if "mlflow.parentRunId" in run.data.tags]
    tables = {logged.dataset.name: json.loads(logged.dataset.profile)["num_rows"] for logged in parent.inputs.dataset_inputs}
    assert tables == {"digits-train": 1437, "digits-test": 360}
    assert parent.data.tags["mlflow.project.entryPoint"] == "dvc repro" and parent.data.metrics["training_seconds"] > 0
    assert (finished.model(parent) / "MLmodel").is_file() and not any(
        run.outputs.model_outputs for run in children if run.outputs
    )
    assert {run.data.tags["goldfold.run"] for run in children} == {parent.info.run_name}
