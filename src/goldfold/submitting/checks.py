"""What is checked before a submission is spent."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from goldfold.config import CompetitionConfig
from goldfold.errors import BudgetError, InputError
from goldfold.kaggle import Entry, Facts
from goldfold.runs.run import Run, all_runs
from goldfold.tracking import Origin
from goldfold.tracking.submissions import sendings, sent_on, waiting_sendings


def kaggle_name(competition: CompetitionConfig) -> str:
    """Return the competition's name on Kaggle; raises InputError where params.yaml has none."""
    if competition.kaggle is None:
        raise InputError(
            "params.yaml does not say which Kaggle competition this is",
            mend="set competition.kaggle to the last part of its address, such as titanic; "
            "`goldfold score` is for competitions that are not on Kaggle",
        )
    return competition.kaggle


def tracked_origin(run: Run) -> Origin:
    """Return the MLflow run to log a submission to; raises InputError where there is none."""
    if run.origin is None:
        raise InputError(f"{run.name} has no MLflow run to log the submission to", mend="run `dvc repro`")
    return run.origin


def require_open(slug: str, rules: Facts) -> None:
    """Raise InputError where the competition takes no submissions any more."""
    if rules.is_closed:
        raise InputError(f"{slug} takes no submissions any more", mend="`goldfold score` scores a run if the labels are known")


def submissions_left(limit: int | None, entries: Sequence[Entry], now: datetime) -> int | None:
    """Return how many submissions are left today, None if the limit is unknown; raises InputError if none are.

    Submissions that Kaggle could not score are not counted.
    """
    if limit is None:
        return None
    done = sent_on(now, (entry.date.replace(tzinfo=UTC) for entry in entries if entry.status != "error"))
    if done >= limit:
        hours = 24 - now.hour - now.minute / 60
        raise BudgetError(
            f"{done} of {limit} submissions were sent today: none is left",
            mend=f"wait {hours:.1f} hours: a day ends at midnight UTC",
        )
    return limit - done


def ask_about_the_same(what: str, digest: str, experiment: str) -> None:
    """Ask whether to send the same file, or bundle, again; raises InputError without a terminal, or if the answer is no."""
    earlier = waiting_sendings(experiment)
    # A store that does not answer must not make you miss a deadline; the submission is logged to the outbox.
    with suppress(InputError):
        earlier += [(run.name, sending) for run in all_runs(experiment) for sending in sendings(run.tags)]
    same = [(name, sending) for name, sending in earlier if sending.sha256 == digest]
    if not same:
        return
    name, sending = same[-1]
    told = f"the same {what} was sent at {sending.sent:%Y-%m-%d %H:%M} UTC for {name}, submission {sending.ref}"
    if sys.stdin.isatty() and input(f"{told}; send it again? [y/N] ").strip().lower() in ("y", "yes"):
        return
    raise InputError(told, mend="nothing was sent; --yes sends it again")
