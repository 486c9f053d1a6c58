"""Two runs in one HTML file: (PreparedSet, Comparison, CVResults) → a page."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from goldfold.imports import find_modality_part
from goldfold.metrics import Array
from goldfold.pages.html import Html, element, joined, number, page, paragraph, rows_table
from goldfold.pages.pictures import data_uri, fitted
from goldfold.pages.rows import said
from goldfold.pages.svg import Frame, scale_of
from goldfold.prepare import PreparedSet, Shown
from goldfold.report.errors import MOST_DOTS
from goldfold.report.report import training_rows
from goldfold.report.worst import MOST, truth_and_guess
from goldfold.validation import CVResult
from goldfold.validation.comparison import Comparison
from goldfold.validation.cross_validation import row_losses


def build_comparison(prepared: PreparedSet, comparison: Comparison, results: Mapping[str, CVResult]) -> str:
    """Return the page of a comparison of two results, by name, which needs no other file and no network.

    Raises InputError if the prepared set lacks rows of the results.
    """
    sections = [
        ("folds", "By fold", _folds(comparison)),
        ("rows", "Where they differ most", _rows(prepared, comparison, results)),
        ("losses", "Losses", _losses(results)),
    ]
    first, second = comparison.names
    return page(f"{prepared.problem.name}: {first} and {second}", _headline(comparison), sections)


def _headline(comparison: Comparison) -> Html:
    better, resamples = "more" if comparison.maximize else "less", comparison.resamples
    drawn = f"{comparison.groups} groups of " if comparison.groups else ""
    interval = f"{comparison.confidence:.0%} interval {comparison.low:+.3g} to {comparison.high:+.3g}"
    scores = zip(comparison.names, map(number, comparison.scores), strict=True)
    return element(
        "header",
        element("h1", " and ".join(comparison.names)),
        element("p", f"{comparison.difference:+.3g} {comparison.metric}, the second minus the first", class_="score"),
        paragraph(f"{interval}, {resamples} paired resamples of {drawn}{comparison.rows} rows; {better} is better"),
        element("p", element("b", comparison.verdict)),
        rows_table(("run", comparison.metric), list(scores), numbers=1),
    )


def _folds(comparison: Comparison) -> Html:
    rows = [
        (str(row["fold"]), str(row["rows"]), number(row["first"]), number(row["second"]), f"{row['difference']:+.3g}")
        for row in comparison.folds.to_dict("records")
    ]
    return rows_table(("fold", "rows", *comparison.names, "difference"), rows, numbers=4)


def _rows(prepared: PreparedSet, comparison: Comparison, results: Mapping[str, CVResult]) -> Html:
    """Cards of the rows that changed most, as people see them, with what each run says of them."""
    problem, changed = prepared.problem, comparison.changed.head(MOST)
    if not len(changed):
        return paragraph("No row changed.")
    said_of = [_said_of(result, changed[problem.id]) for result in results.values()]
    positions = training_rows(prepared, changed)
    showing = find_modality_part(problem.modality, "shown")
    shown = showing.show_rows(prepared, "train", positions, None) if showing else [Shown()] * len(changed)
    cards = []
    for row, seen, *guesses in zip(changed.to_dict("records"), shown, *said_of, strict=True):
        losses = f"{row[problem.id]} · fold {row['fold']} · loss {row['first_loss']:.3g} → {row['second_loss']:.3g}"
        parts = [Html(f'<img src="{data_uri(fitted(seen.picture))}" alt="">')] if seen.picture is not None else []
        parts += [element("p", element("b", name), ": ", guess) for name, guess in zip(comparison.names, guesses, strict=True)]
        cards.append(element("article", *parts, element("p", losses, class_="small"), *said(seen)))
    message = f"{len(changed)} of {len(comparison.changed)} rows"
    if "turned" in comparison.changed:
        counts = comparison.changed["turned"].value_counts()
        message = f"{counts.get('wrong → right', 0)} rows that the second alone has right, {counts.get('right → wrong', 0)} that "
        message += f"the first alone has; {len(changed)} are shown"
    return joined([paragraph(f"{message}, those whose loss changed most first."), element("div", *cards, class_="cards")])


def _said_of(result: CVResult, ids: pd.Series) -> list[str]:
    """What a run predicts of rows: the truth → the prediction."""
    problem, oof = result.problem, result.oof
    at = pd.Index(oof[problem.id]).get_indexer(ids)
    pairs = zip(*truth_and_guess(problem, oof.iloc[at].reset_index(drop=True)), strict=True)
    return [f"{actual} → {predicted}" if predicted else f"{actual}, right" for actual, predicted in pairs]


def _losses(results: Mapping[str, CVResult]) -> Html:
    """A chart of the losses of both runs, row by row."""
    losses = [
        row_losses(result.problem, result.problem.truth(result.oof), result.problem.predictions(result.oof))
        for result in results.values()
    ]
    shown = _spread(len(losses[0]))
    first, second = (values[shown] for values in losses)
    names = list(results)
    frame = Frame(scale_of([first, second], f"loss by {names[0]}"), scale_of([first, second], f"loss by {names[1]}"), 520, 420)
    ends = np.asarray([frame.x.low, frame.x.high])
    chart = frame.drawn(frame.line(ends, ends, "grid"), frame.dots(first, second, "c0"), title="a dot for each row")
    message = f"Below the line {names[1]} is better. Losses are those of the predictions before post-processing."
    return joined([paragraph(message), chart])


def _spread(count: int) -> Array:
    """Positions of at most MOST_DOTS rows, evenly spaced."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_DOTS)).round().astype(int))
