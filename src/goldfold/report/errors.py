"""The errors: confusions of classes, residuals of values, and the calibration of probabilities."""

from dataclasses import replace

import numpy as np

from goldfold.competition import Problem
from goldfold.metrics import Array, hard_labels
from goldfold.pages.html import Html, element, joined, number, paragraph, rows_table, scrolled
from goldfold.pages.svg import Frame, Scale, scale_of
from goldfold.report.calibration import claims, expected_calibration_error, reliability, wilson_interval
from goldfold.report.slices import by_class, by_label

MOST_CLASSES = 25
MOST_PAIRS = 20
MOST_DOTS = 1500
HISTOGRAM = 31


def confusions(problem: Problem, truth: Array, prediction: Array) -> Html:
    """Return the confusion matrix of classes or grades; if there are many, the most frequent confusions."""
    names, size = problem.classes or problem.grades, len(problem.classes or problem.grades)
    if problem.grades:
        actual_class, predicted = problem.nearest_grade(truth), problem.nearest_grade(prediction)
    else:
        actual_class, predicted = problem.class_of(truth), hard_labels(problem.task, prediction)
    counts = np.bincount(actual_class * size + predicted, minlength=size * size).reshape(size, size)
    wrong = int(len(actual_class) - np.trace(counts))
    message = f"{wrong} of {len(actual_class)} rows are predicted to be another class ({wrong / len(actual_class):.2%})."
    if size <= MOST_CLASSES:
        return joined([paragraph(message), _matrix(names, counts)])
    off = counts * ~np.eye(size, dtype=bool)
    rows = []
    for flat in np.argsort(-off, axis=None, kind="stable")[:MOST_PAIRS]:
        actual, confused = divmod(int(flat), size)
        if count := off[actual, confused]:
            share = f"{count / counts[actual].sum():.1%}"
            rows.append((names[actual], names[confused], str(count), share))
    return joined([paragraph(message), rows_table(("actual", "predicted", "rows", "of the class"), rows, numbers=2)])


def _matrix(classes: tuple[str, ...], counts: Array) -> Html:
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Few wrong rows would be too pale beside many right ones.
    shade = np.where(np.eye(len(classes), dtype=bool), shares, (counts > 0) * (0.2 + 0.8 * np.sqrt(shares)))
    body = [element("tr", element("th", "actual ↓  predicted →"), *(element("th", name) for name in classes))]
    for row, name in enumerate(classes):
        cells = []
        for column, count in enumerate(counts[row]):
            kind = "right" if row == column else "wrong"
            cells.append(element("td", str(count) if count else "", class_=kind, style=f"--s:{shade[row, column]:.3f}"))
        body.append(element("tr", element("th", name), *cells))
    return scrolled(element("table", element("tbody", *body), class_="matrix"))


def residuals(problem: Problem, truth: Array, prediction: Array) -> Html:
    """Return charts of predicted against actual values and of the residuals, for each target."""
    columns = zip(problem.targets, truth.reshape(len(truth), -1).T, prediction.reshape(len(prediction), -1).T, strict=True)
    charts, rows = [], []
    for target, actual, predicted in columns:
        log = problem.scored_by.logs and min(actual.min(), predicted.min()) > 0
        both = scale_of([actual, predicted], f"actual {target}", log=log)
        frame = Frame(both, replace(both, title="predicted"))
        some = np.linspace(0, len(actual) - 1, min(len(actual), MOST_DOTS)).astype(int)
        ends = np.array([both.low, both.high])
        marks = frame.dots(actual[some], predicted[some], "small c0"), frame.line(ends, ends, "line grey")
        charts.append(frame.drawn(*marks, title=f"{target}: predicted against actual"))
        off, name = (np.log(predicted / actual), "ln(predicted / actual)") if log else (predicted - actual, "predicted - actual")
        counts, edges = np.histogram(off, bins=HISTOGRAM)
        heights = Frame(Scale(edges[0], edges[-1], name), Scale(0, counts.max() * 1.05))
        charts.append(heights.drawn(heights.bars(edges[:-1], edges[1:], counts, "bar"), title=f"{target}: residuals, rows"))
        spread = np.quantile(predicted - actual, [0.05, 0.5, 0.95])
        rows.append((target, *map(number, (np.mean(predicted - actual), np.abs(predicted - actual).mean(), *spread))))
    head = ("target", "mean residual", "mean absolute", "5 %", "median", "95 %")
    return joined([element("div", *charts, class_="charts"), rows_table(head, rows, numbers=5)])


def calibration(problem: Problem, truth: Array, prediction: Array) -> Html:
    """Return the reliability curve of probabilities, with the expected calibration error."""
    bins = reliability(*claims(problem, truth, prediction))
    error = expected_calibration_error(bins)
    what = {
        "multiclass": "the most probable class's probability",
        "binary": f"the probability of {problem.classes[-1]}" if problem.classes else "the probability",
    }.get(problem.task, "the probability of each label")
    whole = Scale(0, 1, what)
    frame = Frame(whole, Scale(0, 1, "how often it came true"))
    ends = np.array([0.0, 1.0])
    points = bins["predicted"].to_numpy(), bins["observed"].to_numpy()
    counts = bins["rows"].to_numpy()
    curve = [frame.line(ends, ends, "line grey"), frame.line(*points, "line c0"), frame.dots(*points, "c0")]
    between = zip(points[0], *wilson_interval(points[1], counts), strict=True)
    curve += [frame.line(np.array([at, at]), np.array([low, high]), "line c0") for at, low, high in between]
    heights = Frame(whole, Scale(0.8, counts.max() * 1.2, log=True))
    bars = heights.bars(bins["low"].to_numpy(), bins["high"].to_numpy(), counts, "bar")
    predicted, observed = (float(np.average(values, weights=counts)) for values in points)
    message = (
        f"Expected calibration error {error:.4f}: the mean distance between a probability and how often it came true. "
        f"The mean probability is {predicted:.4f}, and {observed:.4f} of them came true."
    )
    charts = frame.drawn(*curve, title="reliability, with 95% intervals"), heights.drawn(bars, title="how many there are")
    return joined([paragraph(message), element("div", *charts, class_="charts")])


def classes(problem: Problem, truth: Array, prediction: Array, losses: Array) -> Html:
    """Return how well each class or label is predicted; if there are many, those with the largest loss or most misses."""
    table = by_class(problem, truth, prediction, losses) if problem.is_exclusive else by_label(problem, truth, prediction)
    hardest = "loss" if problem.is_exclusive else "missed"
    shown = table.nlargest(MOST_CLASSES, hardest).sort_index()
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    message = [paragraph(f"The {len(rows)} of {len(table)} with the largest {hardest}.")] if len(rows) < len(table) else []
    return joined([*message, rows_table(list(table.columns), rows, numbers=len(table.columns) - 1)])


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if np.isnan(value) else f"{value:.4f}"
    return str(value)
