"""A submission that is code: from a bundle to a score, by a data set and a kernel on Kaggle."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from goldfold.bundle.names import data_set_name
from goldfold.bundle.packing import CARD, NOTEBOOK
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.files import read_json, written_by_this_version
from goldfold.kaggle import facts, gpu_hours, submissions, submit_code, user
from goldfold.leaderboard.kaggle_scores import as_seen
from goldfold.prediction import check_submission
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import BUNDLES, PREPARED
from goldfold.runs.run import Run, find_run
from goldfold.submitting.checks import ask_about_the_same, kaggle_name, require_open, submissions_left, tracked_origin
from goldfold.submitting.data_set import as_data_set, bundle_digest
from goldfold.submitting.kernel import ANSWER, answer_of, run_kernel
from goldfold.submitting.scores import described, wait_for_score
from goldfold.submitting.steps import Attempt, Steps, Version, steps_of
from goldfold.tracking.submissions import Sending, log_sending


@dataclass(frozen=True)
class Place:
    """How a bundle is run on Kaggle: the name of its data set and notebook, by default the bundle's, the machine, who sees it."""

    name: str | None = None
    accelerator: str = "t4"
    private: bool = True


def submit_bundle(name: str, folder: Path | None, place: Place, message: str | None, wait: float, yes: bool) -> None:
    """Run a run's bundle on Kaggle, submit the kernel's version, log it to the MLflow run and wait `wait` seconds for the score.

    `folder` is the bundle's, by default where `goldfold bundle` puts it. Each step is kept beside it: the same command goes on
    after a cut. Raises InputError where a step fails, and before a submission is spent on what the contract refuses. With `yes`
    the same bundle is submitted again without asking.
    """
    prepared, run = PreparedSet.load(PREPARED), find_run(name)
    slug, problem = kaggle_name(load_config().competition), prepared.problem
    own, origin = run.submission(prepared), tracked_origin(run)
    scores = run.cv(problem).scores
    folder = folder or BUNDLES / run.tracked_name
    _require_bundle(folder, run)
    digest, rules = bundle_digest(folder), facts(slug)
    require_open(slug, rules)
    with steps_of(folder) as steps:
        attempt = steps.submission
        if attempt is None or attempt.of != digest or attempt.status != "pending":
            attempt = None
            left = submissions_left(rules.daily_limit, submissions(slug), datetime.now(UTC))
            _show_quota(rules.daily_limit, left, place.accelerator)
            if not yes:
                ask_about_the_same("bundle", digest, problem.name)
        is_sent = attempt is not None and attempt.ref > 0
        if attempt is None or not is_sent:
            kernel = _run(steps, digest, slug, place)
            _check(answer_of(folder, kernel), own, prepared)
            fresh = Attempt(digest, message or described(origin.name, scores), datetime.now(UTC).isoformat())
            attempt = _submitted(steps, attempt, fresh, kernel, slug, rules.daily_limit)
        sending = Sending(attempt.ref, datetime.fromisoformat(attempt.sent), attempt.message, digest, rules.daily_limit)
        log_sending(origin, scores.metric, _seen(slug, sending) if is_sent else sending)
        print(f"sent        to {slug}, submission {sending.ref}: {sending.message}")
        print(f"MLflow run  {origin.name}", flush=True)
        seen = wait_for_score(slug, origin, problem, sending, scores.score, wait)
        steps.keep(submission=replace(attempt, status=seen.status))


def _run(steps: Steps, digest: str, slug: str, place: Place) -> Version:
    """Run the bundle on Kaggle, and return the kernel's version."""
    ref = f"{user()}/{data_set_name(place.name or steps.folder.name)}"
    try:
        data_set = as_data_set(steps, ref, digest, place.private)
        return run_kernel(steps, data_set, ref, slug, place.accelerator, place.private)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("What was begun on Kaggle goes on there; the same command goes on from here") from None


def _require_bundle(folder: Path, run: Run) -> None:
    """Raise InputError where the folder is not the bundle of the run."""
    mend = f"goldfold bundle {run.name} makes it; --bundle FOLDER names one that lies elsewhere"
    if not (folder / CARD).is_file() or not (folder / NOTEBOOK).is_file():
        raise InputError(f"there is no bundle of {run.tracked_name} in {folder}", mend=mend)
    with written_by_this_version(str(folder / CARD), mend):
        made_of = read_json(folder / CARD)["name"]
    if made_of != run.tracked_name:
        raise InputError(f"{folder} is the bundle of {made_of}, not of {run.tracked_name}", mend=mend)


def _show_quota(limit: int | None, left: int | None, accelerator: str) -> None:
    if left is not None:
        print(f"left        {left} of {limit} submissions today (a day ends at midnight UTC)")
    hours = None if accelerator == "none" else gpu_hours()
    if hours:
        print(f"GPU         {hours.left:.1f} of {hours.total:g} hours left this week")


def _check(answer: Path, own: Path, prepared: PreparedSet) -> None:
    """Check a kernel's answer against the contract, and say whether it is the run's own submission."""
    try:
        check_submission(answer, prepared.sample, prepared.problem)
    except InputError as error:
        breaches = [line.strip() for line in str(error).splitlines()[1:] if not line.startswith("To mend it")]
        mend = "goldfold bundle makes a corrected bundle; the same command then begins with that"
        raise InputError(f"{answer}, the kernel's, would be refused: no submission was spent", breaches, mend) from None
    print(f"output      {answer}: {len(prepared.sample)} rows, passed the contract of the sample submission")
    there, here = answer.read_text(encoding="utf-8").splitlines(), own.read_text(encoding="utf-8").splitlines()
    others = len(set(there) - set(here))
    print(f"            {f'{others} rows differ from' if others else 'the same rows as in'} the run's own submission")


def _submitted(steps: Steps, begun: Attempt | None, fresh: Attempt, kernel: Version, slug: str, limit: int | None) -> Attempt:
    """Submit a kernel's version, unless an attempt that was begun, and cut off before Kaggle's answer came, went through."""
    entries = submissions(slug)
    for entry in entries:
        if begun and entry.ref > begun.before and entry.description == begun.message:
            attempt, ref = begun, entry.ref
            break
    else:
        submissions_left(limit, entries, datetime.now(UTC))
        attempt = replace(fresh, before=max((entry.ref for entry in entries), default=0))
        steps.keep(submission=attempt)
        ref = submit_code(slug, kernel.ref, kernel.number, ANSWER, attempt.message).ref
    attempt = replace(attempt, ref=ref)
    steps.keep(submission=attempt)
    return attempt


def _seen(slug: str, sending: Sending) -> Sending:
    """A submission as Kaggle shows it now."""
    return next((as_seen(sending, entry) for entry in submissions(slug) if entry.ref == sending.ref), sending)
