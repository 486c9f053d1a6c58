"""The class Metric."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Literal

import numpy as np

from goldfold.config import Task

Array = np.ndarray[Any, np.dtype[Any]]
Needs = Literal["label", "probability", "ranking", "value", "mask"]


@dataclass(frozen=True)
class Metric:
    """A competition's metric: `function(truth, prediction)`, whether more is better, and what it needs.

    The function's keyword-only parameters are the arguments that `competition.metric` may pass. Those in `columns` name
    columns of the table, whose values the function gets, (n,) or (n, columns). With `shares` it takes a multiclass truth as
    shares; with `logs` it compares logarithms of values.
    """

    name: str
    function: Callable[..., float]
    maximize: bool
    needs: Needs
    tasks: tuple[Task, ...]
    columns: tuple[str, ...] = ()
    shares: bool = False
    logs: bool = False

    def better(self, score: float, than: float) -> bool:
        """Whether `score` beats `than`."""
        return score > than if self.maximize else score < than

    def score(self, task: Task, truth: Array, prediction: Array, **arguments: Any) -> float:
        """Score predictions (probabilities or values, see the module); NaN where the metric is undefined on these rows."""
        if task == "multiclass" and truth.ndim > 1 and not self.shares:
            truth = truth.argmax(axis=1)
        if self.needs == "label":
            prediction = hard_labels(task, prediction)
        return float(self.function(truth, prediction, **arguments))

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """The arguments that the function takes beside truth and prediction, by name."""
        every = signature(self.function).parameters
        return {name: parameter for name, parameter in every.items() if parameter.kind is Parameter.KEYWORD_ONLY}


def hard_labels(task: Task, prediction: Array) -> Array:
    """Turn probabilities into the most probable class (multiclass) or 0 and 1 by the threshold 0.5, and values into whole
    numbers (regression)."""
    if task == "multiclass":
        return np.asarray(prediction.argmax(axis=1))
    return np.rint(prediction).astype(int) if task == "regression" else (prediction >= 0.5).astype(int)
