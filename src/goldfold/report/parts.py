"""The score on parts of the rows, as tables."""

import pandas as pd

from goldfold.competition import Problem
from goldfold.metrics import Array
from goldfold.report.page import Html, element, joined, number, paragraph, rows_table
from goldfold.report.slices import by_part, parts_of_column


def by_columns(problem: Problem, known: pd.DataFrame, judged: pd.DataFrame, prediction: Array, losses: Array) -> Html:
    """A table for each column of the training rows `known` that has few values, or numbers; rows are those of `judged`."""
    names = [name for name in known.columns if name not in (problem.id, problem.answer_id)]
    if problem.task != "regression":
        names = [name for name in names if name not in problem.targets]
    tables = []
    for name in names:
        part = parts_of_column(known[name])
        if part is not None:
            tables.append(_table(str(name), by_part(problem, judged, prediction, losses, part), problem.scored_by.name))
    if not tables:
        return paragraph("The training table has no column of few values or of numbers beside the target.")
    told = (
        "Numbers are cut into quantiles. ▲: the mean loss lies above that of the other rows by more than three standard errors."
    )
    return joined([paragraph(told), element("div", *tables, class_="columns")])


def _table(name: str, found: pd.DataFrame, metric: str) -> Html:
    most, rows = found["loss"].max() or 1, []
    for row in found.to_dict("records"):
        loss = element("span", number(row["loss"]) + (" ▲" if row["worse"] else ""), style=f"--s:{row['loss'] / most:.3f}")
        rows.append((str(row["part"]), str(row["rows"]), number(row["score"]), loss))
    return rows_table((name, "rows", metric, "mean loss"), rows, numbers=3, class_="part")
