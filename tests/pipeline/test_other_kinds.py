"""Whole runs of other kinds of input than images."""

import pandas as pd
from tests.modalities.conftest import rows_of


def test_a_recipe_for_tables_runs_the_whole_pipeline(fresh):
    root = fresh.folder / "data/raw/rows"
    root.mkdir(parents=True)
    rows_of(240, 0).to_csv(root / "train.csv", index=False)
    test = rows_of(30, 1).drop(columns="answer")
    test.to_csv(root / "test.csv", index=False)
    test[["id"]].assign(answer=[0, 1] * 15).to_csv(root / "sample_submission.csv", index=False)
    where = ["-S", "competition.path=data/raw/rows", "-S", "split.n_folds=2", "-S", "split.folds=[0,1]"]
    said = fresh.run("goldfold", "run", "boosting", *where)
    assert "30 rows, passed the contract of the sample submission" in said and "free text" in said
    assert "Warning" not in said
    answers = pd.read_csv(fresh.folder / "experiments/current/submission/submission.csv")
    assert list(answers["id"]) == list(test["id"])

    (parent,) = fresh.parents()
    assert (parent.info.run_name, parent.info.status) == ("boosting", "FINISHED") and len(fresh.children(parent)) == 2
    assert parent.data.metrics["accuracy"] > 0.8 and parent.data.params["model.name"] == "HistGradientBoosting"
    assert "didn't change" in fresh.run("dvc", "repro") and len(fresh.parents()) == 1
    line, _ = fresh.run("goldfold", "predict", str(root / "test.csv"), "--top", "1").splitlines()[0].rsplit("  ", 1)
    assert line == "r1-0"
