"""A competition on Kaggle: its files, metric and rules, its leaderboard, and submissions."""

import contextlib
import io
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.kaggle.archives import require_whole
from goldfold.kaggle.session import asking

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
    """Download the competition's files into `folder` as one zip, and return its path; a killed download continues.

    Raises UnreachableError for a zip that is not whole.
    """
    with _asking(slug) as api:
        api.competition_download_files(slug, path=str(folder), quiet=not sys.stdout.isatty())
    return require_whole(folder / f"{slug}.zip")


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


def submit_code(slug: str, kernel: str, version: int, file_name: str, message: str) -> Sent:
    """Submit a version of a kernel (owner/slug), which Kaggle runs again on the hidden test set; see `submissions`."""
    with asking(partial(_refused_kernel, slug, kernel)) as api:
        answer = api.competition_submit_code(file_name, message, slug, kernel, version, quiet=True)
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


def _asking(slug: str) -> contextlib.AbstractContextManager[Any]:
    """Ask about a competition."""
    return asking(partial(_refused, slug))


def _refused(slug: str, code: int, message: str) -> InputError:
    """The InputError for Kaggle's refusal, by its code and message."""
    page = PAGE.format(slug=slug)
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
    mend = f"see {page}/submissions: a quota that is spent, a competition that is over, or a file in the wrong form"
    return InputError(f"Kaggle refused ({code})", [message], mend)


def _refused_kernel(slug: str, kernel: str, code: int, message: str) -> InputError:
    """The InputError for a kernel that Kaggle does not submit."""
    if code == 404:
        mend = f"look at https://www.kaggle.com/code/{kernel}; where it was deleted, another --name makes it anew"
        return InputError(f"Kaggle does not find that version of {kernel}", [message], mend)
    return _refused(slug, code, message)
