"""experiments/results.tsv: a line for each run, for scripts and for a look in an editor."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from goldfold.files import written_whole
from goldfold.leaderboard.standing import Standing

COLUMNS = ("started", "run", "metric", "score", "low", "high", "test", "public", "private", "seconds", "changed")


def write_results(runs: Sequence[Standing], metric: str, path: Path) -> None:
    """Write a line for each run, oldest first: when, its name and scores, how long its folds were trained, what it changed."""
    lines = [{**run.to_json(), "metric": metric, "changed": ", ".join(run.change.words)} for run in runs]
    table = pd.DataFrame(lines, columns=list(COLUMNS)).sort_values("started", kind="stable")
    with written_whole(path) as draft:
        table.to_csv(draft, sep="\t", index=False)
