"""The score on parts of the rows, as tables."""

import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array
from goldfold.pages.html import Html, element, joined, number, paragraph, rows_table
from goldfold.report.slices import by_part, explained, parts_of_column

MOST_COLUMNS = 24


def by_columns(problem: Problem, columns: pd.DataFrame, judged: pd.DataFrame, prediction: Array, losses: Array) -> Html:
    """Return a table for each of the training rows' `columns` of few values or of numbers; rows are those of `judged`.

    The columns by which the loss differs most come first, and at most MOST_COLUMNS are shown.
    """
    apart = {problem.id, problem.answer_id, *(() if problem.task == "regression" else problem.targets)}
    parts = {str(name): parts_of_column(columns[name]) for name in columns.columns if name not in apart}
    parted = {name: part for name, part in parts.items() if part is not None}
    if not parted:
        return paragraph("The training table has no column of few values or of numbers beside the target.")
    chosen = sorted(parted, key=lambda name: -explained(losses, parted[name]))[:MOST_COLUMNS]
    tables = [_table(name, by_part(problem, judged, prediction, losses, parted[name]), problem.scored_by.name) for name in chosen]
    message = (
        f"{len(chosen)} of {len(parted)} columns, sorted by how much the loss differs. Numbers are cut into quantiles. "
        "▲: a mean loss more than three standard errors above that of the other rows."
    )
    return joined([paragraph(message), element("div", *tables, class_="columns")])


def _table(name: str, table: pd.DataFrame, metric: str) -> Html:
    most, rows = table["loss"].max() or 1, []
    for row in table.to_dict("records"):
        loss = element("span", number(row["loss"]) + (" ▲" if row["worse"] else ""), style=f"--s:{row['loss'] / most:.3f}")
        rows.append((str(row["part"]), str(row["rows"]), number(row["score"]), loss))
    return rows_table((name, "rows", metric, "mean loss"), rows, numbers=3, class_="part")
