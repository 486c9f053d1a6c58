"""Check a run's submission, send it to Kaggle, and wait for the score."""

import argparse
import hashlib
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from rich.progress import Progress, SpinnerColumn, TimeElapsedColumn

from goldfold.cli.arguments import add_run
from goldfold.config import CompetitionConfig, load_config
from goldfold.errors import InputError
from goldfold.kaggle import Entry, Facts, facts, submissions, submit
from goldfold.leaderboard.kaggle_scores import as_seen, refresh
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import all_runs, find_run
from goldfold.terminal.plain import plain_column
from goldfold.terminal.runs import LATER, show_sending
from goldfold.tracking.submissions import Sending, log_sending, sendings, sent_on, waiting_sendings

FIRST_PAUSE, LONGEST_PAUSE = 3.0, 30.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a run, and how to send it."""
    add_run(parser)
    parser.add_argument("-m", "--message", help="shown beside it on Kaggle; by default the run's name and CV")
    parser.add_argument("--wait", type=float, default=10, metavar="MINUTES", help="how long to wait for the score; 10 by default")
    parser.add_argument("--yes", action="store_true", help="do not ask before sending the same file again")
    parser.add_argument("--refresh", action="store_true", help="send nothing, but fetch the scores of earlier submissions")


def run(args: argparse.Namespace) -> None:
    """Send a submission, or fetch the scores of earlier ones."""
    if args.refresh:
        refresh_scores()
    else:
        submit_run(args.run, args.message, args.wait * 60, args.yes)


def submit_run(name: str, message: str | None, wait: float, yes: bool) -> None:
    """Send a run's submission, log it to its MLflow run, and wait up to `wait` seconds for the score.

    Checks the contract, the competition's rules, the daily limit and earlier files first; raises InputError where Kaggle would
    refuse it. With `yes` the same file is sent again without asking.
    """
    prepared, sent_run = PreparedSet.load(PREPARED), find_run(name)
    slug, problem, origin = _slug(load_config().competition), prepared.problem, sent_run.origin
    path = sent_run.submission(prepared)
    if origin is None:
        raise InputError(f"{sent_run.name} has no MLflow run to log the submission to", mend="run `dvc repro`")
    print(f"submission  {path}: {len(prepared.sample)} rows, passed the contract of the sample submission")
    rules, entries = facts(slug), submissions(slug)
    _require_open(slug, rules)
    now = datetime.now(UTC)
    left = _left(rules.daily_limit, entries, now)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not yes:
        _ask_about_the_same_file(digest, problem.name)
    scores = sent_run.cv(problem).scores
    message = message or f"{origin.name}: CV {scores.metric} {scores.score:.5g} ({scores.low:.5g} to {scores.high:.5g})"
    sent = submit(slug, path, message)
    sending = Sending(sent.ref, now, message, digest, rules.daily_limit)
    log_sending(origin, scores.metric, sending)
    print(f"sent        to {slug}, submission {sent.ref}: {message}")
    if left is not None:
        print(f"left        {left - 1} of {rules.daily_limit} submissions today (a day ends at midnight UTC)")
    print(f"MLflow run  {origin.name}", flush=True)
    seen = _wait_for(slug, sending, wait)
    if seen != sending:
        log_sending(origin, scores.metric, seen)
    show_sending(seen, problem.scored_by, scores.score)


def refresh_scores() -> None:
    """Fetch and print what is new of the submissions logged to runs."""
    slug, problem = _slug(load_config().competition), PreparedSet.load(PREPARED).problem
    news = refresh(all_runs(problem.name), submissions(slug), problem.scored_by.name)
    for sent_run, seen in news:
        print(f"run         {sent_run.name}, submission {seen.ref}")
        show_sending(seen, problem.scored_by, sent_run.metrics.get(problem.scored_by.name))
    if not news:
        print("nothing new")


def _slug(competition: CompetitionConfig) -> str:
    """Return the competition's name on Kaggle; raises InputError where params.yaml has none."""
    if competition.kaggle is None:
        raise InputError(
            "params.yaml does not say which Kaggle competition this is",
            mend="set competition.kaggle to the last part of its address, such as titanic; "
            "`goldfold score` is for competitions that are not on Kaggle",
        )
    return competition.kaggle


def _require_open(slug: str, rules: Facts) -> None:
    if rules.is_closed:
        raise InputError(f"{slug} takes no submissions any more", mend="`goldfold score` scores a run if the labels are known")
    if rules.takes_notebooks_only:
        raise InputError(f"{slug} takes notebooks, not files", mend="run the model in a notebook on Kaggle, offline")


def _left(limit: int | None, entries: Sequence[Entry], now: datetime) -> int | None:
    """Return how many submissions are left today, None if the limit is unknown; raises InputError if none are.

    Submissions that Kaggle could not score are not counted.
    """
    if limit is None:
        return None
    done = sent_on(now, (entry.date.replace(tzinfo=UTC) for entry in entries if entry.status != "error"))
    if done >= limit:
        hours = 24 - now.hour - now.minute / 60
        raise InputError(
            f"{done} of {limit} submissions were sent today: none is left",
            mend=f"wait {hours:.1f} hours: a day ends at midnight UTC",
        )
    return limit - done


def _ask_about_the_same_file(digest: str, experiment: str) -> None:
    """Ask whether to send the same file again; raises InputError without a terminal, or if the answer is no."""
    earlier = waiting_sendings(experiment)
    # A store that does not answer must not make you miss a deadline; the submission is logged to the outbox.
    with suppress(InputError):
        earlier += [(run.name, sending) for run in all_runs(experiment) for sending in sendings(run.tags)]
    same = [(name, sending) for name, sending in earlier if sending.sha256 == digest]
    if not same:
        return
    name, sending = same[-1]
    what = f"the same file was sent at {sending.sent:%Y-%m-%d %H:%M} UTC for {name}, submission {sending.ref}"
    if sys.stdin.isatty() and input(f"{what}; send it again? [y/N] ").strip().lower() in ("y", "yes"):
        return
    raise InputError(what, mend="nothing was sent; --yes sends it again")


def _wait_for(slug: str, sending: Sending, wait: float) -> Sending:
    """Return the submission once Kaggle has scored it, or as it is after `wait` seconds."""
    text = plain_column("waiting for the score; Ctrl-C stops waiting")
    start, pause = time.monotonic(), FIRST_PAUSE
    if wait > 0 and not sys.stdout.isatty():
        print(f"waiting     up to {wait / 60:g} minutes for the score", flush=True)
    try:
        with Progress(SpinnerColumn(), text, TimeElapsedColumn(), transient=True, disable=not sys.stdout.isatty()) as bar:
            bar.add_task("", total=None)
            while time.monotonic() - start < wait:
                entry = next((entry for entry in submissions(slug) if entry.ref == sending.ref), None)
                if entry and entry.status != "pending":
                    return as_seen(sending, entry)
                time.sleep(min(pause, wait))
                pause = min(pause * 1.5, LONGEST_PAUSE)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Submission {sending.ref} is sent and logged; {LATER}") from None
    except InputError as error:
        print(f"not scored  {str(error).splitlines()[0]}")
    return sending
