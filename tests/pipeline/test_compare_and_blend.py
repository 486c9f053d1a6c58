"""Comparing and blending runs of the store, on a finished result and a rival that was made from it."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from tests.pipeline.conftest import Clone

from goldfold.tracking.record import Record
from goldfold.tracking.store import Store

TURNED = 60


@pytest.fixture(scope="module")
def arena(finished, tmp_path_factory):
    """A clone whose store has, beside its own run, `rival`, which gets some rows wrong, and `moved`, whose folds are others."""
    clone = finished.copy_to(tmp_path_factory.mktemp("arena") / "goldfold")
    current, scratch = clone.folder / "experiments/current", tmp_path_factory.mktemp("runs")
    oof, test = pd.read_parquet(current / "cv/oof.parquet"), pd.read_parquet(current / "submission/predictions.parquet")
    wrong = oof.copy()
    outputs = [column for column in oof if column.startswith("p_")]
    rows = np.arange(TURNED) * 20
    wrong.loc[rows, outputs] = np.roll(wrong.loc[rows, outputs].to_numpy(), 1, axis=1)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    for name, table in (("rival", wrong), ("moved", oof.assign(fold=oof["fold"].sample(frac=1, random_state=0).to_numpy()))):
        folder = scratch / name
        folder.mkdir()
        table.to_parquet(folder / "oof.parquet")
        test.to_parquet(folder / "predictions.parquet")
        files = {str(current / "cv" / file): "cv" for file in ("metrics.json", "worst.csv")}
        files |= {str(folder / "oof.parquet"): "cv", str(folder / "predictions.parquet"): "submission"}
        files[str(current / "submission/by_fold.parquet")] = "submission"
        Store(clone.folder).deliver(Record("digits", name, name, artifacts=files))
    return clone


def test_runs_of_other_folds_are_refused(arena: Clone):
    said = arena.run("goldfold", "blend", "current", "moved", "rival", expect=2)
    assert "moved and rival have different folds" in said and "Traceback" not in said


def test_a_run_and_the_current_result_that_it_is_are_the_same_run(arena: Clone):
    name = arena.parents()[0].info.run_name
    assert f"named twice: {name}" in arena.run("goldfold", "compare", "current", name, expect=2)


def test_a_blend_takes_no_other_runs_name(arena: Clone):
    said = arena.run("goldfold", "blend", "current", "rival", "--name", "moved", expect=2)
    assert "--name moved belongs to a run that is not a blend" in said


def test_a_run_labels_the_test_rows_for_its_own_folds_alone(arena: Clone):
    said = arena.run("goldfold", "pseudo-label")
    name = arena.parents()[0].info.run_name
    path = f"experiments/pseudo/{name}.parquet"
    assert f"{path}: 360 test rows" in said and f"pseudo: {{labels: {path}, confidence: 0.9, soft: false}}" in said
    table = pd.read_parquet(arena.folder / path)
    assert table.groupby("fold")["id"].nunique().to_dict() == dict.fromkeys(range(5), 360)
    said = arena.run("goldfold", "pseudo-label", "moved", expect=2)
    assert "moved was trained on other folds than those of data/prepared" in said and "Traceback" not in said


def test_a_blend_is_a_tracked_result_with_a_submission(arena: Clone):
    said = arena.run("goldfold", "blend", "current", "rival", "--name", "both", "--on", "logits")
    assert "submission.csv: 360 rows, passed the contract" in said and "test score  accuracy" in said
    made = json.loads((arena.folder / "experiments/blends/both/blend.json").read_text())
    own = arena.parents()[0].info.run_name
    assert set(made["members"]) == set(made["weights"]) == {own, "rival"}
    run = arena.parents()[-1]
    assert run.info.run_name == "both" and run.data.params["blend.method"] == "hill"
    assert run.data.metrics["accuracy"] == made["nested"] and run.data.metrics["accuracy_optimistic"] == made["optimistic"]
    assert run.data.metrics["accuracy_test"] >= 0.99
    assert f"{own} ({own})" in run.data.tags["goldfold.members"]


def test_compare_says_which_run_is_better_and_logs_it_once(arena: Clone):
    said = arena.run("goldfold", "compare", "rival", "both")
    assert "so          more than noise: both is ahead by 0.04" in said and "it wins in 100.0% of the resamples" in said
    assert "wrong → right" in said and "0 right → wrong" in said
    run = arena.parents()[-1]
    assert run.info.run_name == "compare rival both" and run.data.tags["goldfold.verdict"] == "more than noise"
    assert run.data.metrics["accuracy_difference"] > run.data.metrics["difference_low"] > 0
    before = len(arena.runs())
    arena.run("goldfold", "compare", "rival", "both")
    assert len(arena.runs()) == before


def test_a_blend_is_scored_and_stands_beside_its_members(arena: Clone):
    said = arena.run("goldfold", "score", "both")
    assert "test        accuracy " in said and "MLflow run  both" in said
    said = arena.run("goldfold", "leaderboard", "--by", "test")
    assert "2 runs, scored by accuracy (more is better)" in said and "CV, test    no rank correlation of 2 runs" in said
    page = (arena.folder / "experiments/leaderboard.html").read_text()
    assert "blend of rival (" in page and arena.parents()[-1].info.run_name == "leaderboard"
    assert "Traceback" not in arena.run("goldfold", "submit", "both", expect=2)
