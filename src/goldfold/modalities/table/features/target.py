"""The mean of the target where columns have the same values, drawn to the mean of all rows where these are few."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from goldfold.competition import Problem
from goldfold.metrics import Array
from goldfold.modalities.table.features.entry import Entry, Items, Made, keys, together


class Target(Entry):
    """The mean of the target where columns have a row's values; a training row's is learned from other rows."""

    reads_target: ClassVar[bool] = True
    name: Literal["target"]
    of: Items
    """The columns, of which each is encoded; those of a list are encoded together."""
    smoothing: float = Field(10.0, ge=0)
    """How many rows of the mean of all are added to those that share a value: rare values come close to it."""

    def learn(self, frame: pd.DataFrame, truth: Array, problem: Problem) -> Any:
        answers = _answers(problem, truth)
        overall = answers.mean() if len(answers) else answers.sum()
        means: dict[str, Mapping[str, list[float]]] = {}
        for item in self.of:
            of_key = answers.groupby(keys(frame, item).to_numpy())
            smoothed = (of_key.sum() + self.smoothing * overall).div(of_key.size() + self.smoothing, axis=0)
            means[together(item)] = dict(zip(smoothed.index, smoothed.to_numpy().tolist(), strict=True))
        return {"answers": list(answers.columns), "overall": overall.tolist(), "means": means}

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        made: dict[str, Array] = {}
        for item in self.of:
            name, codes, distinct = together(item), *pd.factorize(keys(frame, item))
            means = [learned["means"][name].get(key, learned["overall"]) for key in distinct]
            encoded = np.array(means, np.float64).reshape(-1, len(learned["answers"]))[codes]
            made |= {f"{name} {answer}": encoded[:, place] for place, answer in enumerate(learned["answers"])}
        return made


def _answers(problem: Problem, truth: Array) -> pd.DataFrame:
    """The target as numbers whose mean says something, a column for each output: classes as 0 and 1, values as their log
    where the metric takes it."""
    if problem.is_exclusive:
        answers = np.eye(len(problem.classes))[problem.class_of(truth)]
        answers = answers[:, 1:] if problem.task == "binary" else answers
    else:
        answers = np.log1p(truth) if problem.scored_by.logs else truth
    columns = answers.reshape(len(truth), -1).astype(np.float64)
    names = ["target"] if columns.shape[1] == 1 else [f"target {name}" for name in problem.names]
    return pd.DataFrame(columns, columns=names)
