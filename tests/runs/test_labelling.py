"""A blend labels the test rows for each fold by its members' models of that fold alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

import goldfold
from goldfold.cli.main import run_command
from goldfold.config import PseudoConfig
from goldfold.errors import InputError
from goldfold.runs.labelling import labels_by_fold
from goldfold.runs.run import find_run
from goldfold.tracking.content import cv_content, submission_files
from goldfold.tracking.record import Record
from goldfold.tracking.store import Store
from goldfold.training.pseudo import with_pseudo_labels

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repo(tiny_repository, tmp_path_factory):
    """A copy of the tiny repository with another run, `rival`, and blends of it with `mine`."""
    root = shutil.copytree(tiny_repository, tmp_path_factory.mktemp("labelling") / "repository")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
            patch.delenv(name, raising=False)
        patch.chdir(root)
        repo = goldfold.open()
        other = repo.with_settings({"model.name": "GradientBoosting", "model.args": {"n_estimators": 20}})
        folds = [other.train_fold(repo.prepared, fold) for fold in (0, 1, 2)]
        cv = other.validate(repo.prepared, folds)
        cv.save(Path("rival/cv"))
        other.predict(repo.prepared, folds, cv).save(Path("rival/submission"))
        content = cv_content(cv, Path("rival/cv"))
        content["artifacts"] |= submission_files(Path("rival/submission"))
        Store(root).deliver(Record(repo.problem.name, "r", "rival", **content))
        oof, test = (0.9 * table["p_yes"] for table in (cv.oof.sort_values("row"), repo.run("rival").predictions))
        repo.add("theirs", oof, test, force=True)
        for name, how in {"both": ["--method", "slsqp", "--on", "logits"], "stacked": ["--method", "stack"]}.items():
            run_command(["blend", "mine", "rival", "--name", name, *how])
        run_command(["blend", "both", "mine", "--method", "equal", "--name", "deep"])
        run_command(["blend", "mine", "theirs", "--name", "foreign"])
        yield repo


def of_fold(run, fold):
    table = pd.read_parquet(find_run(run).folder("submission") / "by_fold.parquet")
    return table["p_yes"][table["fold"] == fold].to_numpy(dtype=float)


def test_the_labels_of_a_fold_are_its_members_models_blended_as_the_fold_is(repo):
    table = labels_by_fold(repo.prepared, find_run("both"))
    weights = json.loads(Path("experiments/blends/both/blend.json").read_text())["weights_by_fold"]
    assert len({tuple(each.values()) for each in weights.values()}) > 1
    for fold in (0, 1, 2):
        odds = sum(weights[str(fold)][name] * logit(np.clip(of_fold(name, fold), 1e-15, 1 - 1e-15)) for name in ("mine", "rival"))
        labels = table[table["fold"] == fold]
        assert labels["p_yes"].to_numpy() == pytest.approx(expit(odds), abs=1e-6)
        assert list(labels["id"]) == list(repo.test["id"])


def test_a_stack_and_a_blend_of_a_blend_label_as_well(repo, capsys):
    for name in ("stacked", "deep"):
        run_command(["pseudo-label", name])
        assert f"experiments/pseudo/{name}.parquet: 20 test rows" in capsys.readouterr().out
        chosen = PseudoConfig(labels=Path(f"experiments/pseudo/{name}.parquet"))
        assert with_pseudo_labels(repo.prepared, 1, chosen)[1].shape == (20,)
    deep, both = (labels_by_fold(repo.prepared, find_run(name)) for name in ("deep", "both"))
    for fold in (0, 1, 2):
        half = (both["p_yes"][both["fold"] == fold].to_numpy() + of_fold("mine", fold)) / 2
        assert deep["p_yes"][deep["fold"] == fold].to_numpy() == pytest.approx(half, abs=1e-6)


def test_members_without_models_of_each_fold_are_named(repo):
    with pytest.raises(InputError, match=r"foreign has 1 members without test predictions by fold(.|\n)*theirs"):
        run_command(["pseudo-label", "foreign"])
    with pytest.raises(InputError, match="theirs has no test predictions by fold"):
        run_command(["pseudo-label", "theirs"])
