"""What goldfold asks of Kaggle: a competition's files, metric and rules, a submission, the submissions, the leaderboard.

Written for and tested with kaggle 2.2.4. Importing the package authenticates, prints advice and makes a folder, so it is
imported when it is needed, and what it prints is kept from people.
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
    """What Kaggle tells of a competition: its name of the metric, how many submissions a team has per day (None where it does
    not say), and whether medals are given, notebooks alone are taken in, and submissions are closed."""

    metric: str
    daily_limit: int | None
    gives_medals: bool
    takes_notebooks_only: bool
    is_closed: bool


@dataclass(frozen=True)
class Sent:
    """A submission that Kaggle took: its number, and what Kaggle said."""

    ref: int
    message: str


@dataclass(frozen=True)
class Entry:
    """A submission on Kaggle, of `date` in UTC. `status` is pending, complete or error; scores are None until they are known."""

    ref: int
    date: datetime
    file_name: str
    description: str
    status: str
    public_score: float | None
    private_score: float | None
    error: str


@dataclass(frozen=True)
class Place:
    """A line of the public leaderboard. A benchmark of the hosts has the rank 0."""

    rank: int
    team: str
    score: float
    date: datetime


def download(slug: str, folder: Path) -> Path:
    """Download the competition's files as one zip into `folder` and return it; what a killed download left is gone on with."""
    with _asking(slug) as api:
        api.competition_download_files(slug, path=str(folder), quiet=not sys.stdout.isatty())
    return folder / f"{slug}.zip"


def evaluation(slug: str) -> str:
    """The name that Kaggle gives the competition's metric, such as Categorization Accuracy; empty where it tells none."""
    return facts(slug).metric


def facts(slug: str) -> Facts:
    """What Kaggle tells of the competition."""
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
    """Send a submission. Kaggle scores it later; `submissions` tells."""
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


def leaderboard(slug: str) -> list[Place]:
    """The public leaderboard, the best first."""
    import pandas as pd

    with tempfile.TemporaryDirectory() as folder:
        with _asking(slug) as api:
            api.competition_leaderboard_download(slug, folder, quiet=True)
        with zipfile.ZipFile(Path(folder) / f"{slug}.zip") as archive:
            text = {"TeamName": "str"}
            table = pd.read_csv(archive.open(archive.namelist()[0]), encoding="utf-8-sig", dtype=text, keep_default_na=False)
    dates = pd.to_datetime(table["LastSubmissionDate"])
    rows = zip(table["Rank"], table["TeamName"], table["Score"], dates, strict=True)
    return [Place(int(rank), team, float(score), date.to_pydatetime()) for rank, team, score, date in rows if score != ""]


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
            # The import tried this before, and kept to itself what went wrong.
            with contextlib.redirect_stdout(io.StringIO()):
                api.authenticate()
        yield api
    except SystemExit:
        raise InputError(f"Kaggle does not take the credentials in {entries.source}", mend=NEW_TOKEN) from None
    except requests.HTTPError as error:
        raise _refused(slug, error, entries.source) from error
    except requests.RequestException as error:
        what = f"Kaggle does not answer: {type(error).__name__}"
        raise InputError(what, mend="see whether this machine has a network; the same command goes on where it was") from error


def _refused(slug: str, error: Any, source: str) -> InputError:
    """What an answer of Kaggle's means, by its code and its words."""
    code, said, page = error.response.status_code, _said(error), PAGE.format(slug=slug)
    if code == 401:
        return InputError(f"Kaggle does not take the credentials in {source}", [said], NEW_TOKEN)
    if code == 403 and "rules" in said.lower():
        return InputError(
            f"Kaggle: the rules of {slug} are not accepted yet", [said], f"join the competition and accept them at {page}/rules"
        )
    if code == 403:
        # Kaggle says so of competitions that one has not joined, and of misspelt ones.
        mend = f"see whether {page} is the right one; join it there and accept its rules"
        return InputError(f"Kaggle gives you no access to {slug}", [said], mend)
    if code == 404:
        mend = f"give the last part of its address, as in {PAGE.format(slug='titanic')}"
        return InputError(f"Kaggle knows no competition {slug}", [said], mend)
    if code == 429:
        return InputError("Kaggle has had too many requests of yours", [said], "wait some minutes")
    if code >= 500:
        return InputError(f"Kaggle has a fault of its own ({code})", [said], "try again later")
    mend = f"see {page}/submissions: a quota that is spent, a competition that is over, or a file in the wrong form"
    return InputError(f"Kaggle refused ({code})", [said], mend)


def _said(error: Any) -> str:
    """Kaggle's own words."""
    try:
        return str(error.response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return str(error)
