"""The pages of a run with many or few classes, of long names, without a training."""

import numpy as np
import pandas as pd
from tests.leaderboard.runs import result

from goldfold.audit.duplicates import Group
from goldfold.audit.finding import Finding
from goldfold.audit.page import audit_page
from goldfold.competition import Problem
from goldfold.config import ValidateConfig
from goldfold.files import write_json
from goldfold.leaderboard import Position, agreements, standings
from goldfold.leaderboard.page import build_page
from goldfold.modalities.table.columns import Feature
from goldfold.prepare import PreparedSet
from goldfold.report import About, build_report
from goldfold.report.side_by_side import build_comparison
from goldfold.schema import Column
from goldfold.validation.comparison import compare
from goldfold.validation.cross_validation import scored

LONG = "a_name_that_somebody_gave_without_a_thought_of_phones_and_their_width"
CONFIG = ValidateConfig(bootstrap=20)


def made_pages(folder, classes):
    """The report, the audit, the leaderboard and the comparison of two runs, by name, for so many classes."""
    draws, count = np.random.default_rng(0), 3 * max(classes, 20)
    names = tuple(f"{LONG} {number}" if number % 50 == 0 else f"class {number}" for number in range(classes))
    task = "binary" if classes == 2 else "multiclass"
    problem = Problem(LONG, "table", "id", ("y",), task, names, "accuracy", "label")
    truth = np.arange(count) % classes
    columns = {name: draws.normal(size=count) for name in (LONG, "size")}
    train = pd.DataFrame({"id": [f"{LONG}/{row}" for row in range(count)], "y": np.asarray(names)[truth], **columns})
    write_json(folder / "columns.json", [Feature(Column(name, "number"), "number", "").to_json() for name in columns])
    prepared = PreparedSet(folder, problem, train, train, train, np.arange(count) % 3, False, "", "f" * 32)
    results = {name: _result(prepared, truth, draws) for name in (LONG, "second")}
    about = About(LONG, {"train.lr": "0.01", f"model.{LONG}": LONG * 3}, {"mlflow.source.git.commit": "a" * 40}, 0.9)
    return {
        "report": build_report(prepared, results[LONG], [], about),
        "comparison": build_comparison(prepared, compare(problem, results, CONFIG), results),
        "leaderboard": _leaderboard(problem),
        "audit": _audit(prepared),
    }


def _result(prepared, truth, draws):
    problem, classes = prepared.problem, len(prepared.problem.classes)
    probabilities = draws.dirichlet(np.ones(classes), len(truth)) * 0.4 + 0.6 * np.eye(classes)[truth]
    predictions = probabilities[:, 1] if classes == 2 else probabilities
    table = problem.table(predictions)
    return scored(problem, pd.concat([prepared.train.assign(row=range(len(truth)), fold=prepared.folds), table], axis=1), CONFIG)


def _leaderboard(problem):
    found = [result(f"{LONG}-{n}", 0.9 - n / 100, public=0.8 - n / 90, params={f"model.{LONG}": str(n)}) for n in range(30)]
    runs = standings(found, problem.scored_by)[0]
    places = {
        f"{LONG}-0": Position(12, 3611, "gold"),
        f"{LONG}-1": Position(40, 3611, "silver"),
        f"{LONG}-2": Position(90, 3611, "bronze"),
    }
    return build_page(problem, runs, agreements(runs), places, 0.95, [f"left out: {LONG}"])


def _audit(prepared):
    findings = [Finding("duplicates", f"3 rows of {LONG} are the same", serious=True), Finding("groups", "none", serious=False)]
    group = Group((0, 1, 2, 3, 4), (0, 1, 2, 0, 1), ("exact",), 1.0, conflict=True)
    return audit_page(prepared, findings, [group], [], [], None)
