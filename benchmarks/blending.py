"""`python -m benchmarks.blending`: blends of 154 members on 600,000 rows, nested over 5 folds; writes benchmarks/blending.md.

What is timed is the nested fit and the fit for the test rows, each method in a process of its own, with the most memory that it
held, the members' predictions among it.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measure import table
from goldfold.blending.fits import fit_of
from goldfold.blending.level_one import LevelOne
from goldfold.blending.nesting import nested
from goldfold.blending.settings import BlendSettings, default_scale
from goldfold.competition import Problem
from goldfold.files import written_whole

RESULTS = Path(__file__).parent / "blending.md"
MEMBERS, ROWS, FOLDS = 154, 600_000, 5
ADDITIONS = 50
PROBLEM = Problem("made", "table", "id", ("y",), "binary", ("no", "yes"), "roc_auc", "probability")


def main() -> None:
    lines = [["method", "goldfold", "memory", "nested AUC", "rival", "seconds", "nested AUC"]]
    for method, rival in (("equal", ""), ("ridge", "Ridge"), ("logistic", "LogisticRegression"), ("hill", "climb")):
        ours = _measured("ours", method)
        theirs = _measured("rival", rival) if rival else None
        cells = [f"{ours['seconds']:.0f} s", f"{ours['gigabytes']:.1f} GB", f"{ours['score']:.6f}"]
        beside = ["", "", ""] if theirs is None else [rival, f"{theirs['seconds']:.0f} s", f"{theirs.get('score', np.nan):.6f}"]
        lines.append([method, *cells, *beside])
        print("  ".join(lines[-1]), flush=True)
    with written_whole(RESULTS) as draft:
        draft.write_text(_page(table(lines)), encoding="utf-8")


def _page(lines: str) -> str:
    return "\n".join(
        [
            f"# Blends of {MEMBERS} members on {ROWS:,} rows, nested over {FOLDS} folds",
            "",
            f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; "
            "made data, one run. Ridge and LogisticRegression are scikit-learn's plain calls on the same scale (ranks, logits), "
            f"with their default penalties, which they do not choose. The climb without what was built for many is {ADDITIONS} "
            "additions, each of which tries all members on all rows by scikit-learn's AUC: three tries were timed, and "
            "multiplied; it has no score.",
            "",
            lines,
            "",
        ]
    )


def _measured(kind: str, name: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.blending", kind, name], check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _made() -> LevelOne:
    """Members of a binary target that share a part of their error, and differ in how large the rest is."""
    draws = np.random.default_rng(0)
    truth, shared = (draws.random(ROWS) < 0.3).astype(int), draws.normal(size=ROWS)
    values = np.empty((MEMBERS, ROWS))
    for member in range(MEMBERS):
        own = draws.uniform(0.3, 1.2) * draws.normal(size=ROWS)
        values[member] = 1 / (1 + np.exp(0.9 - 1.2 * (truth - 0.3) - 0.8 * shared - own))
    rows = np.arange(ROWS)
    known = pd.DataFrame({"row": rows, "fold": rows % FOLDS, "id": rows, "y": np.array(PROBLEM.classes)[truth]})
    return LevelOne(PROBLEM, {f"m{member}": 0.0 for member in range(MEMBERS)}, known, values, known[:10], values[:, :10])


def _ours(method: str) -> dict[str, float]:
    level = _made()
    settings = BlendSettings(method, default_scale(level, method))  # type: ignore[arg-type]
    start = time.monotonic()
    fit, values = fit_of(PROBLEM, settings), level.on(settings.on).values
    made = nested(fit, values, level.table)
    fit(values, level.table)
    return {"seconds": time.monotonic() - start, "score": PROBLEM.score(PROBLEM.truth(level.table), made.prediction)}


def _rival(name: str) -> dict[str, float]:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.metrics import roc_auc_score

    level = _made()
    truth, fold = PROBLEM.truth(level.table), level.table["fold"].to_numpy()
    if name == "climb":
        start = time.monotonic()
        for member in range(3):
            roc_auc_score(truth[fold > 0], (level.values[0, fold > 0] + level.values[member, fold > 0]) / 2)
        return {"seconds": (time.monotonic() - start) / 3 * MEMBERS * ADDITIONS * (FOLDS + 1)}
    start, prediction = time.monotonic(), np.empty(ROWS)
    values = level.on("ranks" if name == "Ridge" else "logits").values.T
    model = Ridge() if name == "Ridge" else LogisticRegression(max_iter=1000)
    predict: Callable[[np.ndarray], np.ndarray]
    for held in range(FOLDS):
        model.fit(values[fold != held], truth[fold != held])
        predict = model.predict if name == "Ridge" else model.decision_function
        prediction[fold == held] = predict(values[fold == held])
    model.fit(values, truth)
    return {"seconds": time.monotonic() - start, "score": float(roc_auc_score(truth, prediction))}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        found = (_ours if sys.argv[1] == "ours" else _rival)(sys.argv[2])
        found["gigabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(json.dumps(found))
    else:
        main()
