"""(PreparedSet, Competition) → findings about the data, as a page with pictures and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.audit import duplicates, groups, leaks, shift
from goldfold.audit.facts import column_facts, id_facts, input_facts, order_facts
from goldfold.audit.finding import Finding
from goldfold.audit.page import audit_page
from goldfold.competition import Competition
from goldfold.config import PrepareConfig
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json
from goldfold.prepare import PreparedSet

FOLDER, PAGE, CARD = "audit", "audit.html", "audit.json"


@dataclass(frozen=True)
class Audit:
    """The findings, the serious ones first, and the page that shows them."""

    findings: Sequence[Finding]
    page: Path


def audit(prepared: PreparedSet, competition: Competition, config: PrepareConfig) -> Audit | None:
    """Look for what makes a score misleading and write it to `audit/` in the prepared set; None if config.audit is off.

    The page needs no other file; audit.json has the same content for programs.
    """
    if config.audit == "off":
        return None
    ids = id_facts(prepared)
    files, content, wrong = input_facts(prepared, competition)
    same = duplicates.find_groups(prepared)
    parted = groups.find_groupings(prepared)
    suspected = leaks.find_leaks(pd.concat([ids, order_facts(prepared, competition), files.iloc[: len(ids)]], axis=1), prepared)
    apart = shift.find_shift(pd.concat([files, content, column_facts(prepared, competition)], axis=1), len(prepared.train))
    findings = [
        *duplicates.findings(same or [], prepared),
        *groups.findings(parted),
        *leaks.findings(suspected, prepared),
        *shift.findings(apart),
        *(Finding(about, message, serious=False) for about, message in wrong),
    ]
    findings.sort(key=lambda item: not item.serious)
    card: dict[str, Any] = {
        "findings": [asdict(item) for item in findings],
        "duplicates": None if same is None else duplicates.as_json(same, prepared),
        "groups": [asdict(item) for item in parted],
        "leaks": [asdict(item) for item in suspected],
        "train_and_test": None if apart is None else {**asdict(apart), "holds": apart.holds},
    }
    folder = prepared.folder / FOLDER
    with folder_written_whole(folder) as draft:
        write_json(draft / CARD, card)
        (draft / PAGE).write_text(audit_page(prepared, findings, same, parted, suspected, apart), encoding="utf-8")
    return Audit(findings, folder / PAGE)


def require_sound(result: Audit, config: PrepareConfig) -> None:
    """Raise InputError for serious findings if config.audit is fail."""
    serious = [f"{item.about}: {item.message}" for item in result.findings if item.serious]
    if serious and config.audit == "fail":
        mend = f"look at {result.page}; correct the data or the split, or set prepare.audit: warn to continue"
        raise InputError("the audit of the data found what would make scores misleading", serious, mend)
