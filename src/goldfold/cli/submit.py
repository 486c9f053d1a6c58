"""`goldfold submit`: a run's submission to Kaggle, and its score back."""

import hashlib
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import Run, find_runs

if TYPE_CHECKING:
    from goldfold.config import CompetitionConfig
    from goldfold.kaggle import Entry, Facts
    from goldfold.metrics import Metric
    from goldfold.tracking.submissions import Sending

FIRST_PAUSE, LONGEST_PAUSE = 3.0, 30.0
LATER = "`goldfold submit --refresh` fetches its score later, and so does `goldfold leaderboard`"


def submit_run(name: str, message: str | None, wait: float, yes: bool) -> None:
    """Send a run's submission, remember it in its MLflow run, and wait up to `wait` seconds for the score.

    Before it is sent, the contract, the competition's rules, the daily limit and earlier files are looked at; raises InputError
    where Kaggle would refuse it. With `yes` a file that was sent before is sent again without asking.
    """
    from goldfold.config import load_config
    from goldfold.kaggle import facts, submissions, submit
    from goldfold.prepare import PreparedSet
    from goldfold.tracking.submissions import Sending, log_sending

    config, prepared = load_config(), PreparedSet.load(PREPARED)
    slug, problem = slug_of(config.competition), prepared.problem
    (run,) = find_runs([name], config)
    path = run.submission(prepared)
    _require_tracked(run)
    print(f"submission  {path}: {len(prepared.sample)} rows, passed the contract of the sample submission")
    rules, entries = facts(slug), submissions(slug)
    _require_open(slug, rules)
    now = datetime.now(UTC)
    left = _left(rules.daily_limit, entries, now)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not yes:
        _ask_about_the_same_file(digest, problem.name)
    scores = run.cv(problem).scores
    called = run.tracked["name"]
    message = message or f"{called}: CV {scores.metric} {scores.score:.5g} ({scores.low:.5g} to {scores.high:.5g})"
    sent = submit(slug, path, message)
    sending = Sending(sent.ref, now, message, digest, rules.daily_limit)
    log_sending(run.tracked, scores.metric, sending)
    print(f"sent        to {slug}, submission {sent.ref}: {message}")
    if left is not None:
        print(f"left        {left - 1} of {rules.daily_limit} submissions today (a day ends at midnight UTC)")
    print(f"MLflow run  {called}", flush=True)
    seen = _waited_for(slug, sending, wait)
    if seen != sending:
        log_sending(run.tracked, scores.metric, seen)
    _show(seen, problem.scored_by, scores.score)


def refresh_scores() -> None:
    """Fetch what is new of the submissions that the runs remember, and print it."""
    from goldfold.config import load_config
    from goldfold.kaggle import submissions
    from goldfold.leaderboard.refresh import refresh
    from goldfold.prepare import PreparedSet
    from goldfold.tracking.results import TrackedResult

    slug, problem = slug_of(load_config().competition), PreparedSet.load(PREPARED).problem
    results = TrackedResult.all_of(problem.name)
    news = refresh(results, submissions(slug), problem.scored_by.name)
    for result, seen in news:
        print(f"run         {result.name}, submission {seen.ref}")
        _show(seen, problem.scored_by, result.metrics.get(problem.scored_by.name))
    if not news:
        print("nothing new")


def slug_of(competition: "CompetitionConfig") -> str:
    """The competition's name on Kaggle; raises InputError where params.yaml has none."""
    if competition.kaggle is None:
        raise InputError(
            "params.yaml does not say which competition of Kaggle this is",
            mend="set competition.kaggle to the last part of its address, as titanic; "
            "`goldfold score` is for competitions that are not there",
        )
    return competition.kaggle


def _require_tracked(run: Run) -> None:
    if not run.tracked:
        raise InputError(f"{run.name} has no MLflow run that would remember the submission", mend="run `dvc repro`")


def _require_open(slug: str, rules: "Facts") -> None:
    if rules.is_closed:
        raise InputError(f"{slug} takes no submissions any more", mend="`goldfold score` grades a run where the labels are known")
    if rules.takes_notebooks_only:
        raise InputError(f"{slug} takes notebooks alone, and no files", mend="run the model in a notebook on Kaggle, offline")


def _left(limit: int | None, entries: "Sequence[Entry]", now: datetime) -> int | None:
    """How many submissions are left today, None where the limit is not known; raises InputError where there are none.

    Those that Kaggle could not score are not counted: where it does count them, it will say so.
    """
    from goldfold.tracking.submissions import sent_on

    if limit is None:
        return None
    done = sent_on(now, (entry.date.replace(tzinfo=UTC) for entry in entries if entry.status != "error"))
    if done >= limit:
        hours = 24 - now.hour - now.minute / 60
        raise InputError(
            f"{done} of {limit} submissions were sent today, and none is left",
            mend=f"wait {hours:.1f} hours: a day ends at midnight UTC",
        )
    return limit - done


def _ask_about_the_same_file(digest: str, experiment: str) -> None:
    """Ask whether to send a file that was sent before; raises InputError where nobody can be asked, or the answer is no."""
    from goldfold.tracking.results import TrackedResult
    from goldfold.tracking.submissions import sendings, waiting_sendings

    known = waiting_sendings(experiment)
    # A store that does not answer is no reason to miss a deadline; the submission is remembered all the same.
    with suppress(InputError):
        known += [(each.name, sending) for each in TrackedResult.all_of(experiment) for sending in sendings(each.tags)]
    same = [(name, sending) for name, sending in known if sending.sha256 == digest]
    if not same:
        return
    name, sending = same[-1]
    what = f"this very file was sent at {sending.sent:%Y-%m-%d %H:%M} UTC for {name}, submission {sending.ref}"
    if sys.stdin.isatty() and input(f"{what}; send it again? [y/N] ").strip().lower() in ("y", "yes"):
        return
    raise InputError(what, mend="nothing was sent; --yes sends it again")


def _waited_for(slug: str, sending: "Sending", wait: float) -> "Sending":
    """The submission once Kaggle has scored it, or as it is after `wait` seconds."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from goldfold.kaggle import submissions
    from goldfold.leaderboard.refresh import as_seen

    told = TextColumn("waiting for the score; Ctrl-C leaves it to later")
    begun, pause = time.monotonic(), FIRST_PAUSE
    if wait > 0 and not sys.stdout.isatty():
        print(f"waiting     up to {wait / 60:g} minutes for the score", flush=True)
    try:
        with Progress(SpinnerColumn(), told, TimeElapsedColumn(), transient=True, disable=not sys.stdout.isatty()) as bar:
            bar.add_task("", total=None)
            while time.monotonic() - begun < wait:
                found = [entry for entry in submissions(slug) if entry.ref == sending.ref]
                if found and found[0].status != "pending":
                    return as_seen(sending, found[0])
                time.sleep(min(pause, wait))
                pause = min(pause * 1.5, LONGEST_PAUSE)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Submission {sending.ref} is sent and remembered; {LATER}") from None
    except InputError as error:
        print(f"not scored  {str(error).splitlines()[0]}")
    return sending


def _show(seen: "Sending", metric: "Metric", cv: float | None) -> None:
    """Print what Kaggle says of a submission."""
    from goldfold.terminal import number

    if seen.status == "error":
        print(f"FAILED      Kaggle could not score it: {seen.error or 'it does not say why'}")
    elif seen.status == "pending":
        print(f"not scored  yet; {LATER}")
    for part, score in (("public", seen.public), ("private", seen.private)):
        if score is not None:
            print(f"{part:<11} {metric.name} {number(score)}" + (f"  (CV {number(cv)})" if cv is not None else ""))
