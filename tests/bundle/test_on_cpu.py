"""Bundles whose networks ONNX Runtime computes."""

import sys

import numpy as np
import pandas as pd
import pytest
from tests.bundle.test_bundle import image, made, table
from tests.modalities.conftest import rows_of

from goldfold.bundle import Bundle, predict_bundle
from goldfold.bundle.cpu import CLOSE, has_networks, on_cpu
from goldfold.errors import InputError
from goldfold.files import read_parquet
from goldfold.inference.sources import PreparedRows
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult

pytestmark = pytest.mark.slow


def mlp(root):
    tree = table(root)
    rows_of(40, 1).drop(columns="answer").to_csv(root / "test.csv", index=False)
    return {**tree, "model": {"name": "mlp", "hidden": [8]}, "validate": {}}


@pytest.fixture(scope="module", params=[image, mlp], ids=["image", "table"])
def run(request, tmp_path_factory):
    """The folder, the bundle, the prepared set, what the submission predicts, and its file."""
    folder = tmp_path_factory.mktemp("run")
    bundle, submission = made(folder / "raw", folder, request.param(folder / "raw"))
    predictions = bundle.problem.predictions(read_parquet(submission.parent / "predictions.parquet"))
    return folder, bundle, PreparedSet.load(folder / "prepared"), predictions, submission


@pytest.fixture(scope="module")
def written(run):
    """The bundle that predicts by ONNX, and its deviation."""
    folder, bundle, prepared, predictions, _ = run
    return on_cpu(bundle, prepared, predictions, folder / "networks")


def test_the_notebook_predicts_by_onnx_alone_and_as_the_submission_does(run, written, tmp_path, monkeypatch):
    folder, *_, submission = run
    bundle, deviation = written
    bundle.save(tmp_path / "bundle", folder / "raw", 100)
    monkeypatch.setattr(FoldResult, "build_models", lambda _: pytest.fail("PyTorch computes"))
    again = Bundle.load(tmp_path / "bundle")
    assert deviation <= CLOSE and [len(result.onnx) for result in again.ensemble.folds] == [1, 1]
    predict_bundle(tmp_path / "bundle", folder / "raw", tmp_path / "submission.csv")
    theirs, ours = (pd.read_csv(path) for path in (tmp_path / "submission.csv", submission))
    assert list(theirs.iloc[:, 0]) == list(ours.iloc[:, 0]) and (theirs.iloc[:, 1] == ours.iloc[:, 1]).mean() > 0.99


def test_other_predictions_than_the_submissions_are_refused(run, tmp_path):
    _, bundle, prepared, predictions, _ = run
    with pytest.raises(InputError, match=r"other values than its submission has: by up to .* of their spread"):
        on_cpu(bundle, prepared, np.roll(predictions, 1, axis=0), tmp_path / "networks")


def test_without_the_library_it_is_told_how_to_bring_it_along(run, written, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="--wheels onnxruntime"):
        written[0].ensemble.predict(PreparedRows(run[2], "test"))


def test_estimators_are_left_as_they_are(tmp_path):
    assert not has_networks(made(tmp_path / "raw", tmp_path, table(tmp_path / "raw"))[0])
