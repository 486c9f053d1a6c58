"""The score with its interval, and the learning curves of the folds."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.pages.html import Html, element, joined, number, paragraph, rows_table
from goldfold.pages.svg import Frame, Scale, colour, legend, scale_of
from goldfold.training import FoldResult
from goldfold.validation import CVResult

MOST_NAMES = 8
LOG_FROM = 20
"""The ratio of the largest to the smallest loss from which on losses are drawn on a logarithmic scale."""


def headline(title: str, cv: CVResult, test_score: float | None) -> Html:
    """Return the metric, its interval, each fold's score, and the test score if it is known."""
    scores, problem = cv.scores, cv.problem
    better = "more" if problem.scored_by.maximize else "less"
    drawn = f"{scores.groups} groups of {scores.rows} rows" if scores.groups else f"{scores.rows} rows"
    tiles = [
        (f"{scores.metric}, out of fold", number(scores.score), f"{better} is better"),
        (f"{scores.confidence:.0%} interval", f"{number(scores.low)} to {number(scores.high)}", f"bootstrap of {drawn}"),
        (f"mean of {len(scores.folds)} folds", number(scores.mean), f"± {scores.deviation:.2g}"),
    ]
    if scores.raw is not None:
        tiles.append(("without post-processing", number(scores.raw), str(cv.postprocess)))
    if scores.plain is not None:
        tiles.append(("best checkpoints alone", number(scores.plain), "without test-time augmentation"))
    if test_score is not None:
        tiles.append(("test", number(test_score), "against known labels"))
    boxes = [
        element("div", element("span", name), element("strong", value), element("small", remark), class_="tile")
        for name, value, remark in tiles
    ]
    summary = f"{problem.name} · {problem.modality} · {_what(problem)}"
    return element("header", element("h1", title), paragraph(summary), element("div", *boxes, class_="tiles"), _strip(cv))


def _what(problem: Problem) -> str:
    """Return in words what is predicted."""
    if problem.task == "multiclass":
        return f"one of {len(problem.classes)} classes"
    if problem.task == "binary":
        return " or ".join(problem.classes)
    if problem.has_masks:
        return "masks: " + ", ".join(problem.names[:MOST_NAMES])
    return ("labels: " if problem.task == "multilabel" else "values: ") + ", ".join(problem.names[:MOST_NAMES])


def _strip(cv: CVResult) -> Html:
    """Return a chart of the folds' scores, the overall score and its interval."""
    scores, line = cv.scores, Scale(0, 1)
    folds = {fold: score for fold, score in scores.folds.items() if np.isfinite(score)}
    values = np.array([scores.low, scores.high, scores.score, *folds.values()])
    frame = Frame(scale_of([values], ""), line, width=760, height=104, bare=True)
    finite = np.isfinite([scores.low])
    marks = [
        frame.bars(np.array([scores.low])[finite], np.array([scores.high])[finite], np.array([0.9])[finite], "band"),
        frame.line(np.array([scores.score] * 2), np.array([0.0, 1.0]), "line score"),
        *(
            frame.dots(score, 0.9 * (position + 1) / (len(folds) + 1), colour(position))
            for position, score in enumerate(folds.values())
        ),
    ]
    chart = frame.drawn(*marks, title=f"each fold, the score of all, and its {scores.confidence:.0%} interval")
    summary = [f"fold {fold}: {number(score)}" for fold, score in scores.folds.items()]
    return joined([chart, legend(summary)])


def learning_curves(folds: Sequence[FoldResult]) -> Html:
    """Return charts of losses, metric and learning rate of each fold, and a table of the results."""
    if not folds:
        return paragraph("The folds' histories are not here, but in the MLflow run of the pipeline's result.")
    metric = folds[0].codec.problem.scored_by.name
    names = [result.config.train.name_of(result.fold, result.seed) for result in folds]
    parts = [_charts(folds, metric, names)] if max(len(result.history) for result in folds) > 1 else []
    rows = [_row(name, result) for name, result in zip(names, folds, strict=True)]
    head = ("", metric, "valid loss", "best epoch", "training rows", "validation rows", "seconds", "ended")
    return joined([*parts, rows_table(head, rows, numbers=7)])


def _row(name: str, result: FoldResult) -> list[str]:
    epoch = f"{result.epoch + 1} of {len(result.history)}"
    rows = [str(result.rows[part]) for part in ("training", "validation")]
    return [name, number(result.score), number(result.loss), epoch, *rows, f"{result.history['seconds'].sum():.1f}", result.ended]


def _charts(folds: Sequence[FoldResult], metric: str, names: Sequence[str]) -> Html:
    histories = [result.history for result in folds]
    epochs = scale_of([history["epoch"].to_numpy() + 1 for history in histories], "epoch")

    def chart(columns: Sequence[str], title: str, log: bool = False) -> Html:
        frame = Frame(epochs, scale_of([history[column].to_numpy() for history in histories for column in columns], "", log=log))
        marks = []
        for position, (result, history) in enumerate(zip(folds, histories, strict=True)):
            x = history["epoch"].to_numpy() + 1
            styles = ("", "dashed")
            for column, style in zip(columns, styles, strict=False):
                marks.append(frame.line(x, history[column].to_numpy(), f"line {style} {colour(position)}"))
            best = history[history["epoch"] == result.epoch]
            marks.append(frame.dots(best["epoch"].to_numpy() + 1, best[columns[0]].to_numpy(), colour(position)))
        return frame.drawn(*marks, title=title)

    losses = pd.concat(history[["train_loss", "valid_loss"]] for history in histories).to_numpy()
    wide = bool(losses.max() > LOG_FROM * abs(losses.min()))
    charts = [
        chart(("valid_loss", "train_loss"), "loss: validation, training dashed", wide),
        chart((metric,), f"{metric} on the fold's own rows"),
        chart(("lr",), "learning rate"),
    ]
    summary = paragraph(
        "A dot marks the best epoch, whose checkpoint is kept. Its scores are without averaging and post-processing."
    )
    return joined([element("div", *charts, class_="charts"), legend(names), summary])
