"""A submission that is a file."""

import hashlib
from datetime import UTC, datetime

from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.kaggle import facts, submissions, submit
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import find_run
from goldfold.submitting.checks import ask_about_the_same, kaggle_name, require_open, submissions_left, tracked_origin
from goldfold.submitting.scores import described, wait_for_score
from goldfold.tracking.submissions import Sending, log_sending


def submit_file(name: str, message: str | None, wait: float, yes: bool) -> None:
    """Send a run's submission, log it to its MLflow run, and wait up to `wait` seconds for the score.

    Checks the contract, the competition's rules, the daily limit and earlier files first; raises InputError where Kaggle would
    refuse it. With `yes` the same file is sent again without asking.
    """
    prepared, run = PreparedSet.load(PREPARED), find_run(name)
    slug, problem = kaggle_name(load_config().competition), prepared.problem
    path, origin = run.submission(prepared), tracked_origin(run)
    print(f"submission  {path}: {len(prepared.sample)} rows, passed the contract of the sample submission")
    rules, entries = facts(slug), submissions(slug)
    require_open(slug, rules)
    if rules.takes_notebooks_only:
        mend = f"goldfold bundle {name}, then goldfold submit {name} --code (docs/code-competition.md)"
        raise InputError(f"{slug} takes notebooks, not files", mend=mend)
    now = datetime.now(UTC)
    left = submissions_left(rules.daily_limit, entries, now)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if not yes:
        ask_about_the_same("file", digest, problem.name)
    scores = run.cv(problem).scores
    message = message or described(origin.name, scores)
    sent = submit(slug, path, message)
    sending = Sending(sent.ref, now, message, digest, rules.daily_limit)
    log_sending(origin, scores.metric, sending)
    print(f"sent        to {slug}, submission {sent.ref}: {message}")
    if left is not None:
        print(f"left        {left - 1} of {rules.daily_limit} submissions today (a day ends at midnight UTC)")
    print(f"MLflow run  {origin.name}", flush=True)
    wait_for_score(slug, origin, problem, sending, scores.score, wait)
