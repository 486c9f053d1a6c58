"""Requests to Kaggle: a competition's files, metric and rules, its leaderboard, and submissions.

Tested with kaggle 2.2.4. Importing the package authenticates, prints advice and makes a folder, so it is imported late, and
its output is dropped.
"""

import contextlib
import io
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.kaggle.credentials import NEW_TOKEN, find_credentials

INSTALL = "pip install -r requirements-kaggle.txt -c constraints.txt"
PAGE = "https://www.kaggle.com/competitions/{slug}"
PER_PAGE, MOST_PAGES = 100, 50


@dataclass(frozen=True)
class Facts:
    """Kaggle's facts about a competition: its name of the metric, a team's submissions per day (None if unknown), and whether it
    gives medals, takes notebooks only, and is closed to submissions."""

    metric: str
    daily_limit: int | None
    gives_medals: bool
    takes_notebooks_only: bool
    is_closed: bool


@dataclass(frozen=True)
class Sent:
    """A submission that Kaggle accepted: its number, and Kaggle's message."""

    ref: int
    message: str


@dataclass(frozen=True)
class Entry:
    """A submission on Kaggle, of `date` in UTC. `status` is pending, complete or error; scores are None until Kaggle has them."""

    ref: int
    date: datetime
    file_name: str
    description: str
    status: str
    public_score: float | None
    private_score: float | None
    error: str


@dataclass(frozen=True)
class Rank:
    """A line of the public leaderboard. The hosts' benchmarks have rank 0."""

    rank: int
    team: str
    score: float
    date: datetime


def download(slug: str, folder: Path) -> Path:
    """Download the competition's files into `folder` as one zip, and return its path; a killed download continues."""
    with _asking(slug) as api:
        api.competition_download_files(slug, path=str(folder), quiet=not sys.stdout.isatty())
    return folder / f"{slug}.zip"


def evaluation(slug: str) -> str:
    """Return Kaggle's name of the competition's metric, such as Categorization Accuracy, or ""."""
    return facts(slug).metric


def facts(slug: str) -> Facts:
    """Fetch the facts about a competition."""
    with _asking(slug) as api, api.build_kaggle_client() as kaggle:
        from kagglesdk.competitions.types.competition_api_service import ApiGetCompetitionRequest

        request = ApiGetCompetitionRequest()
        request.competition_name = slug
        competition = kaggle.competitions.competition_api_client.get_competition(request)
    return Facts(
        metric=competition.evaluation_metric or "",
        daily_limit=competition.max_daily_submissions or None,
        gives_medals=bool(competition.awards_points),
        takes_notebooks_only=bool(competition.is_kernels_submissions_only),
        is_closed=bool(competition.submissions_disabled),
    )


def submit(slug: str, file: Path, message: str) -> Sent:
    """Send a submission. Kaggle scores it later; see `submissions`."""
    with _asking(slug) as api, contextlib.redirect_stdout(io.StringIO()) as said:
        answer = api.competition_submit(str(file), message, slug, quiet=True)
    if answer.message == api.COMPETITION_SUBMIT_UPLOAD_FAILED_MESSAGE:
        raise InputError(
            f"{file} could not be uploaded to Kaggle", said.getvalue().split("\n")[:1], "try again when the network is back"
        )
    return Sent(answer.ref, answer.message)


def submissions(slug: str) -> list[Entry]:
    """Your submissions to the competition, the newest first."""
    entries: list[Any] = []
    with _asking(slug) as api:
        for page in range(1, MOST_PAGES + 1):
            more = api.competition_submissions(slug, page_number=page, page_size=PER_PAGE) or []
            entries += more
            if len(more) < PER_PAGE:
                break
    return [
        Entry(
            ref=entry.ref,
            date=entry.date,
            file_name=entry.file_name or "",
            description=entry.description or "",
            status=entry.status.name.lower(),
            public_score=_number(entry.public_score),
            private_score=_number(entry.private_score),
            error=entry.error_description or "",
        )
        for entry in entries
    ]


def leaderboard(slug: str) -> list[Rank]:
    """Fetch the public leaderboard, best first."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        with _asking(slug) as api:
            api.competition_leaderboard_download(slug, folder, quiet=True)
        with zipfile.ZipFile(Path(folder) / f"{slug}.zip") as archive:
            text = {"TeamName": "str"}
            table = pd.read_csv(archive.open(archive.namelist()[0]), encoding="utf-8-sig", dtype=text, keep_default_na=False)
    dates = pd.to_datetime(table["LastSubmissionDate"])
    rows = zip(table["Rank"], table["TeamName"], table["Score"], dates, strict=True)
    return [Rank(int(rank), team, float(score), date.to_pydatetime()) for rank, team, score, date in rows if score != ""]


def _number(score: str | None) -> float | None:
    return float(score) if score else None


@contextlib.contextmanager
def _asking(slug: str) -> Iterator[Any]:
    """Yield Kaggle's client, signed in; what goes wrong becomes an InputError in plain words."""
    entries = find_credentials()
    if entries is None:
        raise InputError("Kaggle wants to know who you are, and there are no credentials on this machine", mend=NEW_TOKEN)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import kaggle
    except ModuleNotFoundError as error:
        if error.name != "kaggle":
            raise
        raise InputError("Kaggle's official client is not installed", mend=INSTALL) from None
    import requests

    api = kaggle.api
    try:
        if not api.get_config_value("auth_method"):
            # The import tried this already, and hid its error.
            with contextlib.redirect_stdout(io.StringIO()):
                api.authenticate()
        yield api
    except SystemExit:
        raise InputError(f"Kaggle does not take the credentials in {entries.source}", mend=NEW_TOKEN) from None
    except requests.HTTPError as error:
        raise _refused(slug, error, entries.source) from error
    except requests.RequestException as error:
        what = f"Kaggle does not answer: {type(error).__name__}"
        raise InputError(what, mend="check the network, then repeat the command, which continues") from error


def _refused(slug: str, error: Any, source: str) -> InputError:
    """The InputError for Kaggle's refusal, by its code and message."""
    code, message, page = error.response.status_code, _message(error), PAGE.format(slug=slug)
    if code == 401:
        return InputError(f"Kaggle does not take the credentials in {source}", [message], NEW_TOKEN)
    if code == 403 and "rules" in message.lower():
        return InputError(
            f"Kaggle: the rules of {slug} are not accepted yet",
            [message],
            f"join the competition and accept them at {page}/rules",
        )
    if code == 403:
        # The code for a competition that was not joined, and for a misspelt one.
        mend = f"check that {page} is the right one; join it there and accept its rules"
        return InputError(f"Kaggle gives you no access to {slug}", [message], mend)
    if code == 404:
        mend = f"give the last part of its address, as in {PAGE.format(slug='titanic')}"
        return InputError(f"Kaggle has no competition {slug}", [message], mend)
    if code == 429:
        return InputError("Kaggle has had too many requests from you", [message], "wait some minutes")
    if code >= 500:
        return InputError(f"Kaggle has an internal error ({code})", [message], "try again later")
    mend = f"see {page}/submissions: a quota that is spent, a competition that is over, or a file in the wrong form"
    return InputError(f"Kaggle refused ({code})", [message], mend)


def _message(error: Any) -> str:
    """Kaggle's own message."""
    try:
        return str(error.response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(error)
