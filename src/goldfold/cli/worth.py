"""Say what each member of a blend is worth: the blend's nested score with it and without it."""

import argparse
from dataclasses import asdict
from typing import Any

from goldfold.as_json import Answer
from goldfold.blending.worth import worths
from goldfold.config import load_config
from goldfold.files import write_json
from goldfold.prepare import PreparedSet
from goldfold.runs.blends import WORTH, level_one, made_of, untried
from goldfold.runs.paths import BLENDS, PREPARED
from goldfold.runs.run import find_run, groups_of
from goldfold.terminal.worth import show_untried, show_worth, show_worths_head
from goldfold.tracking.results import log_worth


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a blend."""
    parser.add_argument("blend", help="the name or id of a blend's MLflow run")


def run(args: argparse.Namespace) -> Answer:
    """Fit a blend again without each of its members, print and log what each is worth, and which kinds of model it lacks."""
    config, prepared, blend = load_config(), PreparedSet.load(PREPARED), find_run(args.blend)
    settings, members = made_of(blend)
    level = level_one(prepared, members)
    groups = groups_of(prepared, members, level.table[prepared.problem.id])
    show_worths_head(prepared.problem, level.names)
    found = []
    for worth in worths(level, settings, config.validate_, groups):
        found.append(worth)
        show_worth(worth, level.names)
    missing = untried(prepared.problem.modality, members)
    table: dict[str, Any] = {
        "blend": blend.name,
        "metric": prepared.problem.scored_by.name,
        "members": [asdict(worth) for worth in found],
        "untried": missing,
    }
    path = BLENDS / blend.name / WORTH
    write_json(path, table)
    if blend.origin:
        log_worth(blend.origin, path)
    show_untried(missing)
    print(f"worth       {path}; the report has it as a picture: goldfold report {blend.name}")
    return table
