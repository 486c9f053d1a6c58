"""Predictions that were made elsewhere are read, judged by gates, and runs like any other."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from tests.conftest import TINY, build_repository

from goldfold.cli.main import run_command
from goldfold.competition import read_competition
from goldfold.config import CompetitionConfig, SplitConfig, parse_config
from goldfold.errors import InputError
from goldfold.members import member_of, pairs_in, read_predicted, require_believable
from goldfold.members.reading import Predicted, as_predictions, in_order
from goldfold.modalities.table.settings import TablePrepareConfig
from goldfold.prepare import prepare
from goldfold.runs.run import find_run

MODELS = {
    "logistic": LogisticRegression(max_iter=500),
    "forest": ExtraTreesClassifier(200, min_samples_leaf=5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=60, learning_rate=0.05, random_state=0),
}


def made(rows, seed):
    draws = np.random.default_rng(seed)
    frame = pd.DataFrame(draws.normal(size=(rows, 5)).round(3), columns=[f"x{n}" for n in range(5)])
    signal = frame["x0"] + frame["x1"] * frame["x2"] + draws.normal(size=rows)
    return frame.assign(id=[f"{'train' if seed == 0 else 'test'}{row}" for row in range(rows)]), np.where(signal > 0, "yes", "no")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    root = tmp_path_factory.mktemp("members")
    (train, answer), (test, _) = made(900, 0), made(600, 1)
    (root / "data").mkdir()
    train.assign(answer=answer).to_csv(root / "data/train.csv", index=False)
    test.to_csv(root / "data/test.csv", index=False)
    pd.DataFrame({"id": test["id"], "answer": 0.5}).to_csv(root / "data/sample_submission.csv", index=False)
    competition = read_competition(CompetitionConfig(path=str(root / "data"), modality="table", metric="log_loss"))
    return prepare(competition, SplitConfig(n_folds=5, folds=(0, 1, 2, 3, 4)), TablePrepareConfig(), root / "prepared")[0]


def predicted(prepared, model, folds=None):
    """Honest out-of-fold predictions, and test predictions as the mean of the folds' models; with folds of all rows a leak."""
    columns = [f"x{n}" for n in range(5)]
    train, test = (table[columns].astype(float).to_numpy() for table in (prepared.train, prepared.test))
    truth = prepared.problem.truth(prepared.train)
    folds = prepared.folds if folds is None else folds
    oof, parts = np.empty(len(train)), []
    for fold in np.unique(folds):
        others = folds != fold if len(np.unique(folds)) > 1 else folds == fold
        model.fit(train[others], truth[others])
        oof[folds == fold] = model.predict_proba(train[folds == fold])[:, 1]
        parts.append(model.predict_proba(test)[:, 1])
    return Predicted(oof, None), Predicted(np.mean(parts, axis=0), None)


@pytest.fixture(scope="module")
def member(prepared):
    sections = {"competition": {"path": "x", "modality": "table"}, "model": {"name": "linear"}}
    config = parse_config({**sections, "validate": {"bootstrap": 50}})

    def build(name, oof, test):
        return member_of(name, prepared, config, (oof, test), {})

    return build


@pytest.fixture(scope="module")
def members(prepared, member):
    return {name: member(name, *predicted(prepared, model)) for name, model in MODELS.items()}


def test_honest_members_pass_beside_each_other(members):
    for name, one in members.items():
        others = {other: found for other, found in members.items() if other != name}
        assert require_believable(one, others) == []


def gates(member, others):
    with pytest.raises(InputError, match="was not taken in") as refused:
        require_believable(member, others)
    return str(refused.value)


@pytest.mark.parametrize("leaf", [2, 5])
def test_one_that_had_seen_all_rows_is_found(prepared, member, members, leaf):
    forest = ExtraTreesClassifier(200, min_samples_leaf=leaf, random_state=1)
    leak = member("leak", *predicted(prepared, forest, np.zeros(len(prepared.train), dtype=int)))
    others = {name: one for name, one in members.items() if name != "forest"}
    assert "folds: it agrees with" in gates(leak, others)
    assert "folds" in {finding.gate for finding in require_believable(leak, others, force=True)}


def test_test_predictions_of_another_kind_are_found(prepared, member):
    oof, test = predicted(prepared, MODELS["logistic"])
    odds = test.values / (1 - test.values)
    for changed, said in ((odds**3, "test logits are spread"), (odds * 9, "test logits lie")):
        assert said in gates(member("odd", oof, Predicted(changed / (1 + changed), None)), {})


def test_shuffled_rows_a_duplicate_and_the_truth_itself_are_found(prepared, member, members):
    oof, test = predicted(prepared, MODELS["logistic"])
    shuffled = Predicted(np.random.default_rng(0).permutation(oof.values), None)
    assert "no better than a constant's" in gates(member("shuffled", shuffled, test), {})
    assert "its predictions are logistic's" in gates(member("again", oof, test), members)
    truth = prepared.problem.truth(prepared.train).astype(float)
    assert "the truth of every row" in gates(member("truth", Predicted(truth, None), test), {})


def test_folds_of_its_own_are_held_against_the_splits(prepared, member):
    oof, test = predicted(prepared, MODELS["logistic"])
    renamed = pd.Series(prepared.folds).map({0: "e", 1: "d", 2: "c", 3: "b", 4: "a"})
    assert member("a", replace_folds(oof, renamed), test).source["folds"] == "the split's"
    other = pd.Series(np.arange(len(renamed)) % 3)
    assert member("b", replace_folds(oof, other), test).source["folds"].startswith("others: 3 of its own")


def replace_folds(predicted, folds):
    return predicted._replace(folds=folds)


def test_files_are_read_by_id_or_in_order(prepared, tmp_path):
    problem, ids = prepared.problem, prepared.train["id"]
    values = np.random.default_rng(0).uniform(size=len(ids))
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "b.npz", np.column_stack([1 - values, values]))
    table = pd.DataFrame({"id": ids, "prediction": values, "kfold": 1}).sample(frac=1, random_state=0)
    table.to_csv(tmp_path / "c.csv", index=False)
    table.rename(columns={"prediction": "yes"}).assign(no=1 - table["prediction"]).to_parquet(tmp_path / "d.parquet")
    for name in ("a.npy", "b.npz", "c.csv", "d.parquet"):
        assert np.allclose(read_predicted(tmp_path / name, problem, ids).values, values)
    assert list(read_predicted(tmp_path / "c.csv", problem, ids).folds.unique()) == ["1"]
    wanted = prepared.folds == 0
    assert np.allclose(read_predicted(tmp_path / "a.npy", problem, ids, (), wanted).values, values[wanted])
    assert np.allclose(read_predicted(tmp_path / "c.csv", problem, ids, (), wanted).values, values[wanted])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table[5:], "does not predict 5 rows"),
        (lambda table: pd.concat([table, table[:2]]), "differ in|predicts 2 rows twice"),
        (lambda table: table.assign(id="other"), "differ in .* ids"),
        (lambda table: table.assign(prediction=7), "probabilities are between 0 and 1"),
        (lambda table: table.assign(prediction=""), "missing or infinite, the first in row 1"),
        (lambda table: table.assign(more=1), "which columns are the predictions"),
    ],
)
def test_what_are_no_predictions_of_these_rows_is_one_message(prepared, tmp_path, change, message):
    ids = prepared.train["id"]
    table = pd.DataFrame({"id": ids, "prediction": 0.5})
    change(table).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(InputError, match=message):
        read_predicted(tmp_path / "t.csv", prepared.problem, ids)


def test_arrays_of_another_size_or_kind_are_one_message(prepared, tmp_path):
    problem = prepared.problem
    classes = replace(problem, task="multiclass", classes=("a", "b", "c"))
    with pytest.raises(InputError, match="has 3 rows, and 4 are asked for"):
        as_predictions(np.zeros(3), problem, 4, "x.npy")
    with pytest.raises(InputError, match=r"do not sum to 1; in row 2 to 0.9"):
        as_predictions(np.array([[0.2, 0.3, 0.5], [0.2, 0.3, 0.4]]), classes, 2, "x.npy")
    (tmp_path / "x.npy").write_bytes(b"no array")
    with pytest.raises(InputError, match="cannot be read as an array"):
        read_predicted(tmp_path / "x.npy", problem, prepared.train["id"])
    for values in (np.zeros(7), np.zeros((900, 4))):
        with pytest.raises(InputError, match=r"7 rows|4 columns"):
            in_order(values, problem, np.ones(900, dtype=bool), "oof")
    with pytest.raises(InputError, match="there is no folder"):
        pairs_in(tmp_path / "nowhere")
    (tmp_path / "oof_a.npy").write_bytes(b"")
    with pytest.raises(InputError, match="no test predictions beside it"):
        pairs_in(tmp_path)


@pytest.mark.slow
def test_a_folder_of_pairs_becomes_runs_that_are_blended(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(build_repository(tmp_path / "repository", TINY))
    shutil.copytree(Path(__file__).parents[2] / "experiments/portfolio", "experiments/portfolio")
    mine = find_run("mine")
    problem_columns = ["id", "p_yes"]
    oof = pd.read_parquet(mine.folder("cv") / "oof.parquet")
    test = pd.read_parquet(mine.folder("submission") / "predictions.parquet")
    draws = np.random.default_rng(0)
    for name, noise in (("first", 0.8), ("second", 1.2)):
        for kind, table in (("oof", oof), ("pred", test)):
            odds = np.log(table["p_yes"] / (1 - table["p_yes"])) * 0.7 + draws.normal(size=len(table)) * noise
            table[problem_columns].assign(p_yes=1 / (1 + np.exp(-odds))).to_csv(tmp_path / f"{kind}_{name}.csv", index=False)
    run_command(["import", "--folder", str(tmp_path), "--force"])
    said = capsys.readouterr().out
    assert "imported    first, with the folds that it does not tell" in said and "imported    second" in said
    run = find_run("first")
    assert json.loads(run.tags["goldfold.imported"])["files"]
    run_command(["blend", "mine", "first", "second", "--name", "ours"])
    assert "member      first" in capsys.readouterr().out
    run_command(["blend", "mine", "first", "second", "--method", "auto", "--negative", "--name", "best"])
    assert "tried       non-negative least squares" in (said := capsys.readouterr().out) and "auto        " in said
    run_command(["worth", "ours"])
    assert "missing     no member is of the model mlp: goldfold race tries it (30-mlp.yaml)" in (said := capsys.readouterr().out)
    run_command(["worth", "ours", "--json"])
    worth = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in worth["members"]] == ["first", "mine", "second"]
    assert all(f"{row['name']:<6}  " in said and f"{row['gain']:>+9.3g}" in said for row in worth["members"])
    run_command(["report", "ours"])
    assert "What each member is worth" in next(Path("experiments/reports/ours").glob("*.html")).read_text()
    with pytest.raises(InputError, match="first is no blend"):
        run_command(["worth", "first"])
    with pytest.raises(InputError, match="mine is a run that was made here"):
        run_command(["import", "mine", "--oof", str(tmp_path / "oof_first.csv"), "--test", str(tmp_path / "pred_first.csv")])
    with pytest.raises(InputError, match="a member is two files, or a pair of the files in a folder"):
        run_command(["import", "first"])
