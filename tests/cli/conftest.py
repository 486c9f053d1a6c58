"""A repository with a finished result, as the stages leave it, and no network."""

import shutil

import numpy as np
import pandas as pd
import pytest
from tests.kaggle.conftest import home, kaggle, signed_in  # noqa: F401

from goldfold.config import ValidateConfig
from goldfold.files import write_json
from goldfold.prediction import Submission
from goldfold.runs.run import find_run
from goldfold.tracking.content import cv_content, submission_files
from goldfold.tracking.record import Record
from goldfold.tracking.store import Store
from goldfold.validation.cross_validation import scored

PARAMS = """
competition: {path: data/demo/digits, kaggle: titanic}
model: {name: test_resnet}
"""


@pytest.fixture(scope="session")
def finished(digits, tmp_path_factory):
    """A folder with data/prepared, experiments/current and a store with its run, `mine`."""
    root = tmp_path_factory.mktemp("finished")
    problem, draws = digits.problem, np.random.default_rng(0)
    (root / "params.yaml").write_text(PARAMS)
    shutil.copytree(digits.folder, root / "data/prepared")
    (root / "data/demo/digits").mkdir(parents=True)
    for table in ("train.csv", "sample_submission.csv"):
        shutil.copy(digits.folder.parent / "digits" / table, root / "data/demo/digits")
    current = root / "experiments/current"
    oof = pd.concat([digits.train[["id", "label"]], problem.table(draws.dirichlet(np.ones(10), len(digits.train)))], axis=1)
    cv = scored(problem, oof.assign(row=range(len(oof)), fold=digits.folds), ValidateConfig(bootstrap=10))
    cv.save(current / "cv")
    test = pd.concat([digits.test[["id"]], problem.table(draws.dirichlet(np.ones(10), len(digits.test)))], axis=1)
    Submission(problem, digits.sample, test).save(current / "submission")
    write_json(current / "tracking/predict.json", {"key": "k", "experiment": problem.name, "name": "mine", "run_id": ""})
    content = cv_content(cv, current / "cv")
    content["artifacts"] |= submission_files(current / "submission")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        Store(root).deliver(Record(problem.name, "k", "mine", **content))
    return root


@pytest.fixture
def desk(finished, tmp_path, monkeypatch):
    """A copy of the finished folder to stand in."""
    folder = shutil.copytree(finished, tmp_path / "desk")
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def tracked():
    """The MLflow run of that name."""

    def find(name="mine"):
        return find_run(name)

    return find
