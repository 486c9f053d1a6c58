"""The scores of submissions, waited for or fetched later."""

import time

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.kaggle import submissions
from goldfold.leaderboard.kaggle_scores import as_seen, refresh
from goldfold.runs.run import all_runs
from goldfold.submitting.waiting import wait_for
from goldfold.terminal.runs import LATER, show_sending
from goldfold.tracking import Origin
from goldfold.tracking.submissions import Sending, log_sending
from goldfold.validation.cv_result import Scores


def described(name: str, scores: Scores) -> str:
    """Return the message of a submission that was given none: the run's name and CV."""
    return f"{name}: CV {scores.metric} {scores.score:.5g} ({scores.low:.5g} to {scores.high:.5g})"


def wait_for_score(slug: str, origin: Origin, problem: Problem, sending: Sending, cv: float, wait: float) -> Sending:
    """Wait up to `wait` seconds for the score of a submission, log it to its run and print it beside the run's `cv`."""
    metric = problem.scored_by
    seen = _scored(slug, sending, wait)
    if seen != sending:
        log_sending(origin, metric.name, seen)
    show_sending(seen, metric, cv)
    return seen


def refresh_scores(slug: str, problem: Problem) -> None:
    """Fetch and print what is new of the submissions logged to runs."""
    metric = problem.scored_by
    news = refresh(all_runs(problem.name), submissions(slug), metric.name)
    for run, seen in news:
        print(f"run         {run.name}, submission {seen.ref}")
        show_sending(seen, metric, run.metrics.get(metric.name))
    if not news:
        print("nothing new")


def _scored(slug: str, sending: Sending, wait: float) -> Sending:
    """Return the submission once Kaggle has scored it, or as it is after `wait` seconds."""
    if wait <= 0:
        return sending
    end = time.monotonic() + wait

    def look() -> tuple[str, Sending | None]:
        entry = next((entry for entry in submissions(slug) if entry.ref == sending.ref), None)
        seen = as_seen(sending, entry) if entry else sending
        is_over = seen.status != "pending" or time.monotonic() > end
        return f"up to {wait / 60:g} minutes for the score", seen if is_over else None

    try:
        return wait_for("waiting", look)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"Submission {sending.ref} is sent and logged; {LATER}") from None
    except InputError as error:
        print(f"not scored  {str(error).splitlines()[0]}")
    return sending
