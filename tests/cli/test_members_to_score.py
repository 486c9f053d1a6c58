"""Three scikit-learn models made elsewhere, on titanic: import, blend, worth, bundle, and a submission of the bundle."""

import json
import shutil
import sys
import time
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tests.kaggle.stand_in import Contest

import goldfold
from goldfold.bundle import predict_bundle
from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.prepare import prepare

pytestmark = pytest.mark.slow

PARAMS = """
competition: {path: data/raw/titanic, modality: table, metric: accuracy, kaggle: titanic}
split: {n_folds: 5, folds: [0, 1, 2, 3, 4]}
model: {name: linear}
validate: {bootstrap: 100}
"""
# The models' folds' means of probabilities, read by the code that each member brings along.
PREDICT = """
import sys
from pathlib import Path
import joblib
import pandas as pd

def columns(table):
    sex, age, fare = (table["Sex"] == "female").astype(float), table["Age"].fillna(28), table["Fare"].fillna(14)
    return pd.DataFrame({"sex": sex, "age": age, "class": table["Pclass"], "fare": fare, "kin": table["SibSp"]})

if __name__ == "__main__":
    data, out = map(Path, sys.argv[1:])
    test = pd.read_csv(data / "test.csv")
    models = joblib.load("models.joblib")
    mean = sum(model.predict_proba(columns(test).to_numpy())[:, 1] for model in models) / len(models)
    pd.DataFrame({"PassengerId": test["PassengerId"], "p_1": mean}).to_csv(out, index=False)
"""
MODELS = {
    "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
    "forest": ExtraTreesClassifier(100, min_samples_leaf=5, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=50, learning_rate=0.05, random_state=0),
}


@pytest.fixture(scope="module")
def root(shared_data, tmp_path_factory):
    """A repository with titanic prepared and nothing trained, and beside it the files of three members."""
    root = tmp_path_factory.mktemp("titanic") / "repository"
    shutil.copytree(shared_data / "titanic", root / "data/raw/titanic")
    (root / "params.yaml").write_text(PARAMS)
    (root / "dvc.yaml").write_text("stages: {}")
    repo = goldfold.open(root)
    with repo.inside():
        prepare(repo.competition(), repo.config.split, repo.config.prepare, Path("data/prepared"))
    repo = goldfold.open(root)
    (root / "code").mkdir()
    space = {"__name__": "member"}
    exec(PREDICT, space)
    train, test = (pd.read_csv(root / f"data/raw/titanic/{name}.csv") for name in ("train", "test"))
    x, y, z = space["columns"](train).to_numpy(), train["Survived"].to_numpy(), space["columns"](test).to_numpy()
    for name, model in MODELS.items():
        code, oof, models = root / "code" / name, np.empty(len(train)), []
        for training, validation in repo.folds():
            models.append(joblib.load(_copy(model, root / "model.joblib")).fit(x[training], y[training]))
            oof[validation] = models[-1].predict_proba(x[validation])[:, 1]
        code.mkdir()
        (code / "predict.py").write_text(PREDICT)
        joblib.dump(models, code / "models.joblib")
        np.save(root / f"oof_{name}.npy", oof)
        np.save(root / f"pred_{name}.npy", np.mean([each.predict_proba(z)[:, 1] for each in models], axis=0))
    everywhere = joblib.load(_copy(MODELS["forest"], root / "model.joblib")).set_params(min_samples_leaf=1).fit(x, y)
    np.save(root / "oof_leak.npy", everywhere.predict_proba(x)[:, 1])
    np.save(root / "pred_leak.npy", everywhere.predict_proba(z)[:, 1])
    return root


def _copy(model, path):
    joblib.dump(model, path)
    return path


def take(name, oof=None, test=None, *more):
    files = f"oof_{oof or name}.npy", f"pred_{test or name}.npy"
    run_command(["import", name, "--oof", files[0], "--test", files[1], *more])


@pytest.fixture(scope="module")
def blended(root):
    """The repository with the members imported with their code, blended and bundled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
            patch.delenv(name, raising=False)
        for name in MODELS:
            take(name, None, None, "--command", f"{sys.executable} predict.py {{data}} {{out}}", "--code", f"code/{name}")
        run_command(["blend", *MODELS, "--method", "logistic", "--name", "three"])
        run_command(["bundle", "three"])
    return root


def test_a_blend_of_members_made_elsewhere_is_worth_something_and_predicts_elsewhere(blended, monkeypatch, capsys):
    monkeypatch.chdir(blended)
    made = json.loads(Path("experiments/blends/three/blend.json").read_text())
    assert made["nested"] > min(made["members"].values()) and made["nested"] > 0.79
    run_command(["worth", "three", "--json"])
    table = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in table["members"]} == set(MODELS)
    assert all(row["low"] <= row["gain"] <= row["high"] for row in table["members"])
    predict_bundle(Path("experiments/bundles/three"), Path("data/raw/titanic"), Path("answer.csv"))
    assert "3 of 3 members" in capsys.readouterr().out
    assert Path("answer.csv").read_bytes() == Path("experiments/blends/three/submission/submission.csv").read_bytes()


@pytest.mark.parametrize(
    ("spoil", "gate"),
    [
        ("shuffled", "score: accuracy"),
        ("seen", "had its models seen"),
        ("again", "duplicates: its predictions are logistic's"),
        ("other", "rows, and 891 are asked for"),
    ],
)
def test_members_that_would_spoil_a_blend_are_refused_by_the_right_gate(blended, monkeypatch, spoil, gate):
    monkeypatch.chdir(blended)
    oof, test = np.load("oof_logistic.npy"), np.load("pred_logistic.npy")
    if spoil == "shuffled":
        oof = np.random.default_rng(0).permutation(oof)
    if spoil == "seen":
        oof, test = np.load("oof_leak.npy"), np.load("pred_leak.npy")
    if spoil == "other":
        oof = oof[:600]
    np.save("oof_spoiled.npy", oof)
    np.save("pred_spoiled.npy", test)
    with pytest.raises(InputError, match=gate):
        take("spoiled")


def test_the_bundle_of_the_blend_is_submitted(blended, signed_in, monkeypatch, capsys):
    monkeypatch.chdir(blended)
    files = {path.name: path.read_bytes() for path in Path("data/raw/titanic").glob("*.csv")}
    signed_in.contests["titanic"] = Contest(files, notebooks_only=True)
    scored = {"status": "COMPLETE", "publicScore": "0.77511"}
    monkeypatch.setattr(time, "sleep", lambda _: [entry.update(scored) for entry in signed_in.submissions])
    run_command(["submit", "three", "--code"])
    said = capsys.readouterr().out
    assert "the same rows as in the run's own submission" in said and "public      accuracy 0.77511" in said
