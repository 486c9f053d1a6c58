"""Linear: a weighted sum of members."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from goldfold.competition import Problem
from goldfold.config import Scale
from goldfold.inference.averaging import from_scale
from goldfold.metrics import Array


@dataclass(frozen=True)
class Linear:
    """Weights, (members,), on a scale, and an intercept for each output, (outputs,), or none.

    With `logs` it is the sum of log1p of values.
    """

    weights: Array
    on: Scale
    intercepts: Array | None = None
    logs: bool = False

    def predict(self, problem: Problem, values: Array) -> Array:
        """Predict from values (members, n, …) on the scale; a probability stays between the members', and classes' sum to 1."""
        values = in_logs(values) if self.logs else values
        total = np.tensordot(self.weights, values, axes=1)
        if self.intercepts is not None:
            total = total + (self.intercepts if total.ndim > 1 else self.intercepts[0])
        prediction = from_scale(problem, np.expm1(total) if self.logs else total, self.on)
        return prediction if problem.task == "regression" else self._within_bounds(problem, prediction, values)

    def _within_bounds(self, problem: Problem, prediction: Array, values: Array) -> Array:
        is_average = self.intercepts is None and self.weights.min() >= 0
        if self.on == "logits" or is_average:
            return prediction
        if self.on == "ranks":
            # The order is all that is asked of ranks.
            return np.asarray(expit(4 * (prediction - 0.5)))
        # A sum may leave 0 to 1, and a probability of 0 that no member gave would cost any log loss.
        prediction = np.clip(prediction, values.min(axis=0), values.max(axis=0))
        if problem.task != "multiclass":
            return prediction
        total = prediction.sum(axis=1, keepdims=True)
        return np.where(total > 0, prediction / np.where(total > 0, total, 1), 1 / prediction.shape[1])

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        """Return it as JSON holds it, with the members' names."""
        return {
            "weights": dict(zip(names, self.weights.tolist(), strict=True)),
            "on": self.on,
            "intercepts": None if self.intercepts is None else self.intercepts.tolist(),
            "logs": self.logs,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Linear":
        """Rebuild what `to_json` gave."""
        intercepts = value["intercepts"]
        return cls(
            weights=np.array(list(value["weights"].values())),
            on=value["on"],
            intercepts=None if intercepts is None else np.array(intercepts),
            logs=value["logs"],
        )


def in_logs(values: Array) -> Array:
    """Values as the metric of logarithms sees them: log1p, and what is below zero as zero."""
    return np.asarray(np.log1p(np.maximum(values, 0)))
