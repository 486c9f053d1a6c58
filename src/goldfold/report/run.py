"""A run's data, audit, settings and environment."""

import os
import platform
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from goldfold import __version__
from goldfold.files import read_json
from goldfold.pages.findings import findings_table
from goldfold.pages.html import Html, element, joined, paragraph, rows_table
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult

AUDIT = "audit/audit.json"
UNSET = ("None", "[]", "{}")
LIBRARIES = ("torch", "timm", "scikit-learn", "numpy", "pandas")
MADE_BY = {
    "git commit": "mlflow.source.git.commit",
    "with changes": "goldfold.git_dirty",
    "DVC experiment": "goldfold.dvc_experiment",
}


def data(prepared: PreparedSet) -> Html:
    """Return the numbers of rows, and what was decided about the competition's files."""
    summary = prepared.folder / "summary.json"
    saved: dict[str, Any] = read_json(summary) if summary.is_file() else {"inputs": "", "decided": []}
    facts = [f"{len(prepared.train)} training rows", f"{len(prepared.test)} test rows", saved["inputs"]]
    message = paragraph(", ".join(filter(None, facts)), f"; fingerprint {prepared.fingerprint[:12]}")
    return joined([message, rows_table(("decided", "", "why"), [tuple(line.values()) for line in saved["decided"]])])


def audit(folder: Path) -> Html | None:
    """Return the findings of the audit of the prepared set in `folder`; None if there was none."""
    path = folder / AUDIT
    if not path.is_file():
        return None
    saved_audit: dict[str, Any] = read_json(path)
    message = paragraph(f"The rows, with pictures, are in {path.with_suffix('.html')}.")
    return joined(
        [findings_table([(line["about"], line["message"], line["serious"]) for line in saved_audit["findings"]]), message]
    )


def settings(params: Mapping[str, str]) -> Html:
    """Return params.yaml as a table for each section, with the names of what is not set."""
    sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name, value in params.items():
        first, _, rest = name.partition(".")
        sections[first].append((rest or first, value))
    tables = []
    for section, rows in sections.items():
        unset = [name for name, value in rows if value in UNSET]
        lines = [(name, value) for name, value in rows if value not in UNSET]
        tables.append(rows_table((section, ""), [*lines, *([("not set", ", ".join(unset))] if unset else [])], class_="part"))
    return element("div", *tables, class_="columns")


def environment(run: str, folds: Sequence[FoldResult], tags: Mapping[str, str]) -> Html:
    """Return versions, device, precision, and the commit of the code."""
    lines = [("run", run), *((name, tags[tag]) for name, tag in MADE_BY.items() if tag in tags)]
    if folds:
        moments = [float(result.history["time"].max()) for result in folds]
        lines += [
            ("trained on", ", ".join(sorted({f"{result.device} in {result.precision}" for result in folds}))),
            ("trained until", datetime.fromtimestamp(max(moments), UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ]
    here = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    trained: dict[str, str] = folds[0].versions if folds else {}
    versions = [(name, trained.get(name, version(name))) for name in LIBRARIES]
    return rows_table(("", ""), [*lines, ("this report by", f"goldfold {__version__}, {here}"), *versions])
