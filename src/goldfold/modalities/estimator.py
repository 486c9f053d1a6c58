"""scikit-learn's estimators, and those that follow it, as models of the same pipeline."""

import importlib
import io
import re
import zipfile
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.imports import EXTRAS, trusted
from goldfold.metrics import Array
from goldfold.modalities.boosting import Rows, best_rounds, given_rounds, rounds_of
from goldfold.modalities.protocol import Inputs

SMALLEST = 1e-15
MODULES = ("ensemble", "linear_model", "neighbors", "svm", "naive_bayes", "tree", "neural_network", "gaussian_process")
HOLDS = {"collections.OrderedDict", "functools.partial", "sklearn.utils.validation.check_array"}
"""What is no class of a library of estimators, and fitted ones hold: each names what it calls, which is looked at too."""


@runtime_checkable
class Fits(Protocol):
    """An estimator."""

    def fit(self, matrix: Any, truth: Any) -> Any:
        """Learn from the rows of a matrix."""


class Estimator(nn.Module):
    """A scikit-learn estimator as a module, from a batch to logits (b, outputs) float32, fitted once on all training rows.

    Instead of parameters it has the fitted estimator as its state, written by skops, which runs no code when it is loaded.
    A subclass defines in `matrix` what the estimator reads. `early_stopping` is after how many rounds without improvement boosted
    trees stop, None for all rounds that they are given.
    """

    early_stopping: int | None = None

    def __init__(self, estimator: Any, problem: Problem) -> None:
        super().__init__()
        _require_answers(estimator, problem)
        self.problem = problem
        self.estimator = _for_each_target(estimator, problem)

    @property
    def rounds(self) -> int:
        """The rounds of boosted trees that stopped early."""
        return rounds_of(self.estimator)

    def matrix(self, inputs: Inputs) -> Any:
        """Return what the estimator reads of a batch, one row for each."""
        raise NotImplementedError

    def fit(
        self,
        inputs: Inputs,
        target: torch.Tensor,
        weight: Array | None,
        seed: int,
        held_back: Array | None = None,
        rounds: int | None = None,
    ) -> None:
        """Fit to targets as a loss takes them and a weight for each row; raises InputError where the estimator refuses them.

        With `early_stopping` the rounds are `rounds`, or those that were best on the rows `held_back`, (n,) bool, by the others.
        """
        from sklearn.utils.validation import has_fit_parameter

        name = type(self.estimator).__name__
        seeds = [key for key, value in self.estimator.get_params().items() if key.endswith("random_state") and value is None]
        self.estimator.set_params(**dict.fromkeys(seeds, seed))
        truth = target.numpy()
        if self.problem.is_exclusive:
            truth = self.problem.class_of(truth.astype(np.int64)[:, 0] if self.problem.task == "binary" else truth)
        elif self.problem.task == "multilabel":
            truth = truth.astype(np.int64)
        elif truth.shape[1] == 1:
            truth = truth[:, 0]
        if weight is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            mend = "leave out train.class_weights and sampling, and the weights of competition.extra"
            raise InputError(f"params.yaml: {name} takes no weights of rows", mend=mend)
        try:
            rows = Rows(self.matrix(inputs), truth, weight)
            if self.early_stopping and rounds:
                self.estimator.set_params(**given_rounds(self.estimator, rounds))
            elif self.early_stopping and held_back is not None:
                self.estimator.set_params(**best_rounds(self.estimator, rows, held_back, self.early_stopping))
            self.estimator.fit(rows.matrix, truth, **({} if weight is None else {"sample_weight": weight}))
        except (ValueError, TypeError) as error:
            raise InputError(f"params.yaml, model: {name} cannot be fitted: {error}", mend="correct model.args") from error

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        logits = self._logits(self.matrix({name: tensor.cpu() for name, tensor in inputs.items()}))
        return torch.from_numpy(logits.reshape(len(logits), -1).astype(np.float32)).to(next(iter(inputs.values())).device)

    def _logits(self, matrix: Any) -> Array:
        if self.problem.task == "regression":
            return np.asarray(self.estimator.predict(matrix))
        if not hasattr(self.estimator, "predict_proba"):
            return np.asarray(self.estimator.decision_function(matrix))
        try:
            probabilities, classes = self.estimator.predict_proba(matrix), self.estimator.classes_
        except ValueError as error:
            name = type(self.estimator).__name__
            raise InputError(f"params.yaml, model: {name} cannot predict: {error}", mend="correct model.args") from error
        if self.problem.task == "binary":
            return _log_odds(probabilities, classes)
        if self.problem.task == "multilabel":
            return np.stack([_log_odds(*label) for label in zip(probabilities, classes, strict=True)], axis=1)
        # A class without training rows has no column.
        logits = np.full((len(probabilities), len(self.problem.classes)), np.log(SMALLEST))
        logits[:, classes] = np.log(np.clip(probabilities, SMALLEST, 1))
        return logits

    def get_extra_state(self) -> torch.Tensor:
        """Return the estimator as bytes, (n,) uint8: the same for the same estimator."""
        return torch.frombuffer(bytearray(_written(self.estimator)), dtype=torch.uint8)

    def set_extra_state(self, state: torch.Tensor) -> None:
        """Load what `get_extra_state` returned; raises InputError for types of unknown libraries."""
        from skops.io import get_untrusted_types, loads

        content = state.cpu().numpy().tobytes()
        untrusted = get_untrusted_types(data=content)
        refused = [name for name in untrusted if name not in HOLDS and not _is_of_estimators(name)]
        if refused:
            raise InputError("the checkpoint's estimator holds types that are not trusted", refused, "train it again")
        self.estimator = loads(content, trusted=untrusted)


def _is_of_estimators(name: str) -> bool:
    """Whether a dotted name is that of a class of scikit-learn's, of the libraries that follow it, or of the competitor's own."""
    module, _, attribute = name.rpartition(".")
    packages = ("sklearn", "own", *EXTRAS)
    if module.partition(".")[0] not in packages:
        return False
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return False
    return isinstance(found, type) and found.__module__.partition(".")[0] in packages


def find_model(name: str, problem: Problem) -> Any:
    """Return an estimator's class by its name in scikit-learn, with or without Classifier or Regressor, or what an import path
    names: an estimator or a network. `linear` is LogisticRegression or Ridge.

    Raises InputError for an unknown name.
    """
    regression = problem.task == "regression"
    if name == "linear":
        name = "Ridge" if regression else "LogisticRegression"
    modules = [f"sklearn.{module}" for module in MODULES]
    whole = f"{name}{'Regressor' if regression else 'Classifier'}"
    attributes = {attribute for module in modules for attribute in vars(importlib.import_module(module))}
    if ":" in name:
        of_extra = name.partition(":")[0] in EXTRAS and not name.endswith(("Classifier", "Regressor"))
        return trusted(whole if of_extra else name, modules, "model.name", Fits, nn.Module)
    # Suggestions for a misspelt name are of the task's kind.
    asked = name if name in attributes and whole not in attributes else whole
    return trusted(asked, modules, "model.name", Fits, nn.Module)


def _require_answers(estimator: Any, problem: Problem) -> None:
    """Raise InputError for an estimator that cannot answer the task."""
    wanted = {"regression": ("predict",), "multilabel": ("predict_proba",)}.get(
        problem.task, ("predict_proba", "decision_function")
    )
    if not any(hasattr(estimator, method) for method in wanted):
        kind = "values" if problem.task == "regression" else "probabilities"
        raise InputError(
            f"params.yaml, model.name: {type(estimator).__name__} gives no {kind}, which a {problem.task} task needs",
            mend=f"choose one that has {' or '.join(wanted)}" + ("" if kind == "values" else ": a classifier"),
        )


def _for_each_target(estimator: Any, problem: Problem) -> Any:
    """Return the estimator, or with several targets one for each."""
    from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor

    if problem.task == "multilabel":
        return MultiOutputClassifier(estimator)
    return MultiOutputRegressor(estimator) if problem.task == "regression" and len(problem.targets) > 1 else estimator


def _log_odds(probabilities: Array, classes: Array) -> Array:
    """Return the log odds of class 1, (n,), from the probabilities of `classes`, (n, classes): one or both of 0 and 1."""
    one = probabilities[:, list(classes).index(1)] if 1 in classes else np.zeros(len(probabilities))
    safe = np.clip(one.astype(np.float64), SMALLEST, 1 - SMALLEST)
    return np.asarray(np.log(safe) - np.log1p(-safe))


def _written(estimator: Any) -> bytes:
    """Return the estimator as skops writes it, without the memory addresses, times and random names that differ each time."""
    from skops.io import dumps

    numbers: dict[str, str] = {}

    def numbered(match: re.Match[str]) -> str:
        return numbers.setdefault(match[0], str(len(numbers)))

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(dumps(estimator))) as written, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as clean:
        addresses = r'(?<="__id__": )\d+|(?<=")[\w-]+(?=\.(?:np[yz]|bin)")'
        clean.writestr(zipfile.ZipInfo("schema.json"), re.sub(addresses, numbered, written.read("schema.json").decode()))
        for name in written.namelist():
            stem, _, suffix = name.partition(".")
            if stem in numbers:
                clean.writestr(zipfile.ZipInfo(f"{numbers[stem]}.{suffix}"), written.read(name))
    return buffer.getvalue()
