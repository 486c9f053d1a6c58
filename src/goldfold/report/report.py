"""A run in one HTML file: (PreparedSet, CVResult, FoldResults) → a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.metrics import Array
from goldfold.pages.html import page
from goldfold.prepare import PreparedSet
from goldfold.report import curves, errors, parts, run
from goldfold.report.masks import dice_by_area, worst_masks
from goldfold.report.worst import worst_errors
from goldfold.report.worth import worth_of_members
from goldfold.training import FoldResult
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import row_losses

PAGE = "report.html"


@dataclass(frozen=True)
class About:
    """What the report says of a run beside its results: its name, params.yaml by dotted key, tags that name the code, the test
    score if the labels are known, and what the members of a blend are `worth`, as `goldfold worth` writes it."""

    run: str
    params: Mapping[str, str]
    tags: Mapping[str, str]
    test_score: float | None = None
    worth: Mapping[str, Any] | None = None


def build_report(prepared: PreparedSet, cv: CVResult, folds: Sequence[FoldResult], about: About) -> str:
    """Return the page of a run, which needs no other file and no network.

    Without all `folds`, what they alone hold is left out. Raises InputError if the prepared set lacks rows of the result.
    """
    problem, oof = cv.problem, cv.oof.reset_index(drop=True)
    rows = training_rows(prepared, oof)
    raw = problem.predictions(oof)
    losses = row_losses(problem, problem.truth(oof), raw)
    answers, answered = problem.per_answer(oof, raw)
    judged = cv.postprocess.judged(problem, answers, answered)
    truth, prediction = problem.truth(answers), problem.predictions(cv.judged())
    answer_losses = row_losses(problem, truth, answered)
    training_columns = prepared.train.iloc[training_rows(prepared, answers)].reset_index(drop=True)

    if about.worth is None:
        sections = [("curves", "Learning curves", curves.learning_curves(folds))]
    else:
        sections = [("members", "Members", worth_of_members(about.worth))]
    if problem.task == "regression":
        sections.append(("residuals", "Residuals", errors.residuals(problem, truth, prediction)))
    if problem.has_masks:
        sections.append(("masks", "Dice by area", dice_by_area(problem, truth, prediction)))
    if problem.is_exclusive or problem.grades:
        sections.append(("errors", "Confusion matrix", errors.confusions(problem, truth, prediction)))
    if not problem.has_amounts:
        sections.append(("classes", "By class", errors.classes(problem, truth, prediction, answer_losses)))
        sections.append(("calibration", "Calibration", errors.calibration(problem, problem.truth(oof), raw)))
    if problem.has_masks:
        sections.append(("worst", "Worst errors", worst_masks(prepared, cv.judged(), rows)))
    else:
        sections.append(("worst", "Worst errors", worst_errors(prepared, oof, rows, losses, folds)))
    sections.append(("columns", "By column", parts.by_columns(problem, training_columns, answers, judged, answer_losses)))
    audited = run.audit(prepared.folder)
    if audited is not None:
        sections.append(("audit", "Audit of the data", audited))
    sections += [
        ("data", "Data", run.data(prepared)),
        ("settings", "Settings", run.settings(about.params)),
        ("environment", "Environment", run.environment(about.run, folds, about.tags)),
    ]
    return page(f"{problem.name}: {about.run}", curves.headline(about.run, cv, about.test_score), sections)


def save_report(text: str, path: Path) -> None:
    """Write a page, whole or not at all."""
    with written_whole(path) as draft:
        draft.write_text(text, encoding="utf-8")


def training_rows(prepared: PreparedSet, table: pd.DataFrame) -> Array:
    """Return the positions of a table's rows in the training table, by their ids; raises InputError for one that is not there."""
    ids = pd.Index(prepared.train[prepared.problem.id])
    positions = ids.get_indexer(table[prepared.problem.id])
    missing = table[prepared.problem.id][positions < 0]
    if len(missing):
        raise InputError(
            "data/prepared does not have the rows of this result",
            [f"{prepared.problem.id} {name}: not there" for name in missing],
            "run `dvc repro prepare` on the run's training table",
        )
    return np.asarray(positions)
