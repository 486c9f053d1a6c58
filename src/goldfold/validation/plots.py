"""A plot of the errors, drawn without a display."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from goldfold.competition import Problem
from goldfold.metrics import Array, hard_labels
from goldfold.metrics.masks import row_losses

MOST_NUMBERS = 25


def plot_errors(problem: Problem, oof: pd.DataFrame, path: Path) -> None:
    """Draw a confusion matrix (classes), counts of right and wrong per label (multilabel), predicted against actual, or Dice
    against area (masks)."""
    truth, prediction = problem.measured(problem.truth(oof), problem.predictions(oof))
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots()
    if problem.has_masks:
        _areas(axes, problem, truth, prediction)
    elif problem.task == "regression":
        _predicted_against_actual(axes, problem, truth, prediction)
    elif problem.task == "multilabel":
        _labels(axes, problem, truth, hard_labels(problem.task, prediction))
    else:
        _confusion(axes, problem, truth, hard_labels(problem.task, prediction))
    figure.savefig(path, format="png", dpi=120)


def _confusion(axes: Axes, problem: Problem, truth: Array, label: Array) -> None:
    size, truth = len(problem.classes), problem.class_of(truth)
    counts = np.bincount(truth * size + label, minlength=size * size).reshape(size, size)
    # Shares of each row, because counts on the diagonal would drown the errors.
    axes.imshow(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1), cmap="Blues", vmin=0, vmax=1)
    axes.set(xlabel="predicted", ylabel="actual", title=f"{problem.name}: out-of-fold, {len(truth)} rows")
    if size > MOST_NUMBERS:
        return
    axes.set_xticks(range(size), problem.classes, rotation=90 if size > 10 else 0)
    axes.set_yticks(range(size), problem.classes)
    for row, column in np.argwhere(counts):
        count = counts[row, column]
        axes.text(column, row, str(count), ha="center", va="center", color="white" if count > counts[row].sum() / 2 else "black")


def _labels(axes: Axes, problem: Problem, truth: Array, label: Array) -> None:
    positions = np.arange(len(problem.names))
    parts = {
        "found": (truth & label).sum(axis=0),
        "missed": (truth & ~label & 1).sum(axis=0),
        "false": (~truth & label & 1).sum(axis=0),
    }
    for offset, (name, counts) in zip((-0.27, 0, 0.27), parts.items(), strict=True):
        axes.bar(positions + offset, counts, width=0.27, label=name)
    axes.set_xticks(positions, problem.names, rotation=90 if len(positions) > 8 else 0)
    axes.set(ylabel="rows", title=f"{problem.name}: out-of-fold at threshold 0.5, {len(truth)} rows")
    axes.legend()


def _areas(axes: Axes, problem: Problem, truth: Array, prediction: Array) -> None:
    for place, name in enumerate(problem.names):
        dice = 1 - row_losses(truth[:, [place]], prediction[:, [place]])
        axes.scatter(np.maximum(truth[:, place], 1), dice, s=8, alpha=0.6, label=name)
    axes.set(xscale="log", xlabel="true area in pixels (1: empty)", ylabel="Dice")
    axes.set(title=f"{problem.name}: out-of-fold, {len(truth)} rows")
    axes.legend()


def _predicted_against_actual(axes: Axes, problem: Problem, truth: Array, value: Array) -> None:
    columns = zip(problem.targets, truth.reshape(len(truth), -1).T, value.reshape(len(value), -1).T, strict=True)
    for target, actual, predicted in columns:
        axes.scatter(actual, predicted, s=8, alpha=0.6, label=target)
    ends = [truth.min(), truth.max()]
    axes.plot(ends, ends, color="grey", linewidth=1)
    if problem.scored_by.logs and truth.min() > 0:
        axes.set(xscale="log", yscale="log")
    axes.set(xlabel="actual", ylabel="predicted", title=f"{problem.name}: out-of-fold, {len(truth)} rows")
    axes.legend()
