"""The problem that a competition sets: what is predicted from what, how it is answered and how it is scored."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from goldfold.config import Answer, Task
from goldfold.metrics import Array, Metric, find_metric, hard_labels


@dataclass(frozen=True)
class Problem:
    """What is predicted (`task`, `targets`, `classes`), from which kind of input, and what the answer looks like.

    `classes` are the labels as texts, in the order of the model's outputs; of two the second is the positive one.
    """

    name: str
    modality: str
    id: str
    targets: tuple[str, ...]
    task: Task
    classes: tuple[str, ...]
    metric: str
    answer: Answer

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Problem":
        """Rebuild what `to_json` gave."""
        return cls(**{**value, "targets": tuple(value["targets"]), "classes": tuple(value["classes"])})

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON holds it."""
        return asdict(self)

    @property
    def scored_by(self) -> Metric:
        """The competition's metric."""
        return find_metric(self.metric, self.task)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The columns of a table of predictions: a probability per class or label, or a value per target."""
        if self.task == "binary":
            return (f"p_{self.classes[1]}",)
        if self.task == "multiclass":
            return tuple(f"p_{label}" for label in self.classes)
        return tuple(f"{'p' if self.task == 'multilabel' else 'predicted'}_{target}" for target in self.targets)

    def truth(self, table: pd.DataFrame) -> Array:
        """The targets of a table as numbers, in the shape that metrics take (see goldfold.metrics)."""
        if self.task in ("binary", "multiclass"):
            index = {label: position for position, label in enumerate(self.classes)}
            return table[self.targets[0]].map(index).to_numpy(dtype=np.int64)
        values = table[list(self.targets)].to_numpy(dtype=np.float64)
        if self.task == "multilabel":
            return values.astype(np.int64)
        return values[:, 0] if len(self.targets) == 1 else values

    def score(self, truth: Array, prediction: Array) -> float:
        """Score predictions by the competition's metric; NaN where it is undefined on these rows."""
        return self.scored_by.score(self.task, truth, prediction)

    def labels(self, prediction: Array) -> Array:
        """The predicted labels as texts, (n,), or 0 and 1, (n, labels), for a multilabel task."""
        hard = hard_labels(self.task, prediction)
        return hard if self.task == "multilabel" else np.asarray(self.classes, dtype=object)[hard]

    def table(self, prediction: Array) -> pd.DataFrame:
        """Predictions as a table with the columns `outputs`."""
        return pd.DataFrame(prediction.reshape(len(prediction), -1), columns=list(self.outputs))

    def predictions(self, table: pd.DataFrame) -> Array:
        """Predictions back from such a table, in the shape that metrics take."""
        values = table[list(self.outputs)].to_numpy(dtype=np.float64)
        single = self.task == "binary" or (self.task == "regression" and len(self.targets) == 1)
        return values[:, 0] if single else values
