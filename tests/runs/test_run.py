"""What a named run must have before it is compared or blended."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.errors import InputError
from goldfold.prepare import PreparedSet
from goldfold.runs.run import Run, groups_of
from goldfold.validation.cross_validation import scored

PROBLEM = Problem("p", "image", "id", ("y",), "binary", ("a", "b"), "accuracy", "label")


@pytest.fixture
def run(tmp_path):
    oof = pd.DataFrame(
        {"row": range(4), "fold": [0, 0, 1, 1], "id": list("wxyz"), "y": list("abab"), "p_b": [0.1, 0.9, 0.6, 0.8]}
    )
    scored(PROBLEM, oof, ValidateConfig(bootstrap=10)).save(tmp_path / "cv")
    (tmp_path / "submission").mkdir()
    pd.DataFrame({"id": ["t1", "t0"], "p_b": [0.1, 0.2]}).to_parquet(tmp_path / "submission/predictions.parquet")
    return Run("mine", None, lambda kind: Path(tmp_path) / kind, {"split.group": "patient"}, id="1")


def test_its_cross_validation_is_that_of_the_metric(run):
    assert run.cv(PROBLEM).scores.score == 0.75
    with pytest.raises(InputError, match="mine was scored by accuracy, but the competition, as it is prepared now, by roc_auc"):
        run.cv(dataclasses.replace(PROBLEM, metric="roc_auc"))
    with pytest.raises(InputError, match=r"mine was scored by accuracy, but .* by accuracy \(sample_weight w\)"):
        run.cv(dataclasses.replace(PROBLEM, metric_args={"sample_weight": "w"}))


def test_its_test_rows_are_those_of_the_prepared_set_in_their_order(run):
    assert list(run.predictions(PROBLEM, pd.Series(["t0", "t1"], name="id"))["p_b"]) == [0.2, 0.1]
    with pytest.raises(InputError, match=r"(?s)other test rows.*id t2: not predicted.*id t1: not in data/prepared"):
        run.predictions(PROBLEM, pd.Series(["t0", "t2"], name="id"))


def test_the_groups_of_a_split_are_looked_up_by_id(run):
    train = pd.DataFrame({"id": list("zyxw"), "patient": [1, 1, 2, 2]})
    prepared = PreparedSet(Path(), PROBLEM, train, train, train, np.zeros(4), False, "", "")
    ids = pd.Series(list("wxyz"), name="id")
    assert groups_of(prepared, [run], ids).to_dict() == {"w": 2, "x": 2, "y": 1, "z": 1}
    assert groups_of(prepared, [dataclasses.replace(run, params={})], ids) is None
    with pytest.raises(InputError, match="there is no column clinic"):
        groups_of(prepared, [dataclasses.replace(run, params={"split.group": "clinic"})], ids)
    with pytest.raises(InputError, match="id v: not there"):
        groups_of(prepared, [run], pd.Series(["w", "v"], name="id"))
