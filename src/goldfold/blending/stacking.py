"""Stacking: a scikit-learn model that reads the members' predictions (Wolpert 1992)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.imports import called, named
from goldfold.metrics import Array

KEY = "--model"


def build_model(problem: Problem, name: str | None) -> Any:
    """Build the model of an import path, without arguments but seeded, or LogisticRegression or Ridge on standardised features.

    Raises InputError for a model that cannot be imported or built, or does not predict probabilities if they are needed.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if name is None:
        return make_pipeline(StandardScaler(), Ridge() if problem.task == "regression" else LogisticRegression(max_iter=1000))
    model = called(named(name, ["sklearn.linear_model", "sklearn.ensemble"], KEY), KEY)
    needed = "predict" if problem.task == "regression" else "predict_proba"
    missing = [method for method in ("get_params", "fit", needed) if not hasattr(model, method)]
    if missing:
        raise InputError(f"{KEY}: {name} has no {' and no '.join(missing)}", mend="name a scikit-learn model that has them")
    unseeded = [key for key, value in model.get_params().items() if key.endswith("random_state") and value is None]
    return model.set_params(**dict.fromkeys(unseeded, 0))


def fit_stack(problem: Problem, model: Any, features: Array, truth: Array) -> Callable[[Array], Array]:
    """Fit a copy of the model to features (n, k) and each column of the truth; return the function that predicts features."""
    if problem.task == "multiclass":
        return _fit_classes(model, features, problem.class_of(truth), len(problem.classes))
    columns = [_fit_column(problem, model, features, column) for column in truth.reshape(len(truth), -1).T]
    if truth.ndim == 1:
        return columns[0]
    return lambda features: np.stack([predict(features) for predict in columns], axis=1)


def _fit_column(problem: Problem, model: Any, features: Array, truth: Array) -> Callable[[Array], Array]:
    if problem.task != "regression":
        probabilities = _fit_classes(model, features, truth, 2)
        return lambda features: probabilities(features)[:, 1]
    from sklearn.base import clone

    fitted = clone(model).fit(features, truth)
    return lambda features: np.asarray(fitted.predict(features), dtype=np.float64)


def _fit_classes(model: Any, features: Array, truth: Array, classes: int) -> Callable[[Array], Array]:
    """Return the function from features to probabilities (n, classes), 0 for classes that are not in `truth`."""
    from sklearn.base import clone

    trained = np.unique(truth)
    fitted = clone(model).fit(features, truth) if len(trained) > 1 else None

    def predict(features: Array) -> Array:
        probabilities = np.zeros((len(features), classes))
        probabilities[:, trained] = 1 if fitted is None else fitted.predict_proba(features)
        return probabilities

    return predict
