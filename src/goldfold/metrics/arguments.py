"""The arguments of `competition.metric`: checking them, and scoring rows with them.

Beside its own, every metric takes `mask` with `keep` (only rows whose column `mask` is `keep` count; 1 by default) and
`targets` (the names of the only targets, labels or columns that count).
"""

from collections.abc import Mapping, Sequence
from inspect import Parameter
from typing import Any, Literal, get_args, get_origin

import numpy as np
import pandas as pd

from goldfold.config import Task
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.metrics.metric import Array, Metric

OF_EVERY_METRIC = ("mask", "keep", "targets")
KEY = "competition.metric"


def require_arguments(metric: Metric, arguments: Mapping[str, Any]) -> None:
    """Raise InputError for an argument or a choice that the metric does not take, and for a missing one that it needs."""
    names = [*metric.parameters, *OF_EVERY_METRIC]
    for name in arguments:
        if name not in names:
            raise InputError(
                f"params.yaml, {KEY}: {metric.name} takes no {name}{nearest(name, names)}",
                mend=f"it takes {', '.join(names)}",
            )
        annotation = metric.parameters[name].annotation if name in metric.parameters else None
        choices = get_args(annotation) if get_origin(annotation) is Literal else ()
        if choices and arguments[name] not in choices:
            raise InputError(
                f"params.yaml, {KEY}: {name} of {metric.name} is not {arguments[name]}{nearest(str(arguments[name]), choices)}",
                mend=f"give one of {', '.join(choices)}",
            )
    needed = [name for name, parameter in metric.parameters.items() if parameter.default is Parameter.empty]
    missing = [name for name in needed if name not in arguments]
    if missing:
        of_column = ", which names columns of the table" if missing[0] in metric.columns else ""
        raise InputError(
            f"params.yaml, {KEY}: {metric.name} needs {' and '.join(missing)}{of_column}",
            mend=f"write it as metric: {{name: {metric.name}, {missing[0]}: …}}",
        )
    if "keep" in arguments and "mask" not in arguments:
        raise InputError(f"params.yaml, {KEY}: keep without mask", mend="name the column in mask")


def named_columns(metric: Metric, arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of the table that the arguments name."""
    values = [arguments[name] for name in ("mask", *metric.columns) if arguments.get(name) is not None]
    return tuple(dict.fromkeys(column for value in values for column in ([value] if isinstance(value, str) else value)))


def score_rows(
    metric: Metric,
    arguments: Mapping[str, Any],
    task: Task,
    names: Sequence[str],
    truth: Array,
    prediction: Array,
    table: pd.DataFrame | None,
) -> float:
    """Score predictions, in the shapes of goldfold.metrics, with the arguments of params.yaml; NaN where the metric is undefined.

    `names` are those of the targets, labels or classes, in the order of their columns. `table` holds the columns that the
    arguments name; raises InputError where it lacks one.
    """
    missing = [name for name in named_columns(metric, arguments) if table is None or name not in table]
    if missing:
        raise InputError(
            f"params.yaml, {KEY}: {metric.name} needs the column {', '.join(missing)}, which the scored rows do not have",
            mend="give a table with it, or name another column",
        )
    passed = dict(arguments)
    targets = passed.pop("targets", None)
    for name in metric.columns:
        if passed.get(name) is not None and table is not None:
            passed[name] = table[passed[name]].to_numpy()
    mask, keep = passed.pop("mask", None), passed.pop("keep", 1)
    if mask is not None and table is not None:
        rows = (table[mask] == keep).to_numpy(dtype=bool)
        truth, prediction = truth[rows], prediction[rows]
        passed |= {name: passed[name][rows] for name in metric.columns if passed.get(name) is not None}
    if targets is not None:
        unknown = [name for name in targets if name not in names]
        if unknown or prediction.ndim == 1:
            raise InputError(
                f"params.yaml, {KEY}.targets: there is no {', '.join(unknown or targets)}", mend=f"choose from {', '.join(names)}"
            )
        chosen = [list(names).index(name) for name in targets]
        truth, prediction = truth[:, chosen] if truth.ndim > 1 else truth, prediction[:, chosen]
    return metric.score(task, truth, prediction, **passed) if len(truth) else float(np.nan)
