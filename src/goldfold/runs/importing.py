"""Take in members as runs, each judged beside the runs that there are."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from goldfold.config import Config
from goldfold.errors import InputError
from goldfold.members import Finding, Member, require_believable
from goldfold.prediction import Submission
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import MEMBERS
from goldfold.runs.run import all_runs, find_run
from goldfold.tracking.results import log_member
from goldfold.tracking.store import IMPORTED

MOST = 20


def take_in(prepared: PreparedSet, config: Config, member: Member, others: Mapping[str, Member], force: bool) -> list[Finding]:
    """Save and log a member as a run; return what the gates found, which raises InputError unless `force`."""
    found = require_believable(member, others, force)
    folder = MEMBERS / member.name
    member.save(folder)
    log_member(prepared, member, [f"{one.gate}: {one.text}" for one in found], config.split.group, folder)
    return found


def neighbours_of(prepared: PreparedSet, without: Sequence[str]) -> dict[str, Member]:
    """Return the newest runs of the competition that predict the same rows, by name, but not those of the names `without`."""
    problem, found = prepared.problem, dict[str, Member]()
    for run in reversed(all_runs(problem.name)):
        if len(found) == MOST:
            break
        if run.name in found or run.name in without or run.is_blend:
            continue
        # Runs on other rows, of another metric or without predictions are no neighbours.
        with suppress(InputError):
            cv = run.cv(problem)
            test = run.predictions(problem, prepared.test[problem.id])
            if set(cv.oof["row"]) <= set(range(len(prepared.train))) and set(problem.outputs) <= {*cv.oof, *test}:
                found[run.name] = Member(run.name, cv, Submission(problem, prepared.sample, test))
    return found


def require_free_name(name: str) -> None:
    """Raise InputError for a name that cannot be a run's, or is that of a run that was not imported."""
    if not re.fullmatch(r"\w[\w.-]*", name) or name == "current":
        raise InputError(f"{name} cannot name a run", mend="use letters, digits, dots and dashes, but not current")
    try:
        run = find_run(name)
    except InputError:
        return
    if IMPORTED not in run.tags:
        raise InputError(f"{name} is a run that was made here", mend="give a name that no run has")
