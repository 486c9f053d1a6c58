"""Estimators of libraries that follow scikit-learn, by stand-ins with their names: the libraries are extras."""

import sys
from collections import OrderedDict, defaultdict
from types import ModuleType

import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.modalities.estimator import Estimator, find_model

BINARY = Problem("p", "table", "id", ("y",), "binary", ("a", "b"), "log_loss", "probability")
VALUE = Problem("p", "table", "id", ("y",), "regression", (), "rmse", "value")


@pytest.fixture
def lightgbm(monkeypatch):
    """A module of that name, whose classes are scikit-learn's under LightGBM's names."""
    module = ModuleType("lightgbm")
    for name, base in (("LGBMClassifier", LogisticRegression), ("LGBMRegressor", Ridge)):
        setattr(module, name, type(name, (base,), {"__module__": "lightgbm"}))
    monkeypatch.setitem(sys.modules, "lightgbm", module)
    return module


@pytest.mark.parametrize(("problem", "name"), [(BINARY, "LGBMClassifier"), (VALUE, "LGBMRegressor")])
def test_the_task_decides_between_the_classifier_and_the_regressor(lightgbm, problem, name):
    assert find_model("lightgbm:LGBM", problem) is getattr(lightgbm, name)
    assert find_model("lightgbm:LGBMRegressor", problem) is lightgbm.LGBMRegressor


def test_what_a_fitted_one_holds_is_loaded_unless_it_can_run_code():
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    fitted.scores_ = defaultdict(OrderedDict, valid=OrderedDict(loss=[0.5]))
    again = Estimator(LogisticRegression(), BINARY)
    again.set_extra_state(Estimator(fitted, BINARY).get_extra_state())
    assert again.estimator.scores_ == {"valid": {"loss": [0.5]}} and again.estimator.coef_ == fitted.coef_
    fitted.scores_ = ModuleType
    with pytest.raises(InputError, match="types that are not trusted"):
        again.set_extra_state(Estimator(fitted, BINARY).get_extra_state())
