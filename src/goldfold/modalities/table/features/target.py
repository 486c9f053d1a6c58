"""The mean of the target where columns have the same values, drawn to the mean of all rows where these are few."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

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
    smoothing: Literal["auto"] | Annotated[float, Field(ge=0)] = "auto"
    """How many rows of the mean of all are added to those that share a value: rare values come close to it. By default as many
    as the values' means differ too little to be told from chance."""

    def learn(self, frame: pd.DataFrame, truth: Array, problem: Problem) -> Any:
        answers = _answers(problem, truth)
        overall = answers.mean()
        means: dict[str, Mapping[str, list[float]]] = {}
        for item in self.of:
            of_key = answers.groupby(keys(frame, item).to_numpy())
            totals, sizes = of_key.sum(), of_key.size().to_numpy()[:, np.newaxis]
            sums = totals.to_numpy()
            added = _smoothing(answers, sums, sizes) if self.smoothing == "auto" else np.full(answers.shape[1], self.smoothing)
            # Where means differ by chance alone, all rows have the mean of all.
            with np.errstate(invalid="ignore"):
                smoothed = (sums + added * overall.to_numpy()) / (sizes + added)
            smoothed = np.where(np.isinf(added), overall, smoothed)
            means[together(item)] = dict(zip(totals.index, smoothed.tolist(), strict=True))
        return {"answers": list(answers.columns), "overall": overall.tolist(), "means": means}

    def make(self, frame: pd.DataFrame, learned: Any) -> Made:
        made: dict[str, Array] = {}
        for item in self.of:
            name, codes, distinct = together(item), *pd.factorize(keys(frame, item))
            means = [learned["means"][name].get(key, learned["overall"]) for key in distinct]
            encoded = np.array(means, np.float64).reshape(-1, len(learned["answers"]))[codes]
            made |= {f"{name} {answer}": encoded[:, place] for place, answer in enumerate(learned["answers"])}
        return made


def _smoothing(answers: pd.DataFrame, sums: Array, sizes: Array) -> Array:
    """The rows by which the means of groups are drawn to that of all, (outputs,): the variance within groups over that between
    their means (the empirical Bayes estimate of a one-way analysis of variance); infinite where these do not differ."""
    rows, groups = sizes.sum(), len(sizes)
    if groups < 2 or rows <= groups:
        return np.full(sums.shape[1], np.inf)
    overall = sums.sum(axis=0) / rows
    between = (sizes * (sums / sizes - overall) ** 2).sum(axis=0)
    within = np.maximum(((answers.to_numpy() - overall) ** 2).sum(axis=0) - between, 0) / (rows - groups)
    typical = (rows - (sizes**2).sum() / rows) / (groups - 1)
    variance = (between / (groups - 1) - within) / typical
    return np.where(variance > 0, within / np.where(variance > 0, variance, 1), np.inf)


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
