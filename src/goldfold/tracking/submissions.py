"""Submissions to Kaggle, each a tag of the run whose file was sent."""

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from goldfold.errors import InputError
from goldfold.scratch import scratch_folder
from goldfold.tracking.delivery import open_store
from goldfold.tracking.files import register_model
from goldfold.tracking.logs import log_scores
from goldfold.tracking.origin import Origin
from goldfold.tracking.record import Outbox

TAG = "goldfold.submitted."


@dataclass(frozen=True)
class Sending:
    """A submission: Kaggle's number for it, when it was sent (UTC), the message, and the SHA-256 of the file.

    `limit` is the number of submissions allowed per day, None if unknown. `status` (pending, complete or error), `error` and the
    scores, None until they are known, are Kaggle's latest answer.
    """

    ref: int
    sent: datetime
    message: str
    sha256: str
    limit: int | None = None
    status: str = "pending"
    error: str = ""
    public: float | None = None
    private: float | None = None


def log_sending(origin: Origin, metric: str, sending: Sending, newer: Sequence[Sending] = ()) -> None:
    """Log a submission to its run: as a tag, and as metrics those of its scores that no `newer` submission has."""
    scores_by_part = {"public": sending.public, "private": sending.private}
    later = {part for part in scores_by_part for other in newer if getattr(other, part) is not None}
    scores = {f"{metric}_{part}": score for part, score in scores_by_part.items() if score is not None and part not in later}
    text = json.dumps({**asdict(sending), "sent": sending.sent.isoformat()}, ensure_ascii=False)
    log_scores(origin, scores, time.time(), {f"{TAG}{sending.ref}": text})


def register(origin: Origin) -> str:
    """Register a run's model under the competition's name, and return "<name> version <number>".

    Raises InputError for a run without a model, such as a blend.
    """
    store, name = open_store(), re.sub("[/:]", "-", origin.experiment)
    run = store.runs(store.experiment(origin.experiment), origin.key).get(None)
    version = register_model(store.client, run, name) if run else ""
    if not version:
        raise InputError(
            f"{origin.name} has no model in MLflow to register", mend="leave --register out, or register its members"
        )
    return f"{name} version {version}"


def sendings(tags: Mapping[str, str]) -> list[Sending]:
    """Return the submissions in a run's tags, the oldest first."""
    entries = [json.loads(text) for name, text in tags.items() if name.startswith(TAG)]
    return sorted(
        (Sending(**{**entry, "sent": datetime.fromisoformat(entry["sent"])}) for entry in entries),
        key=lambda sending: sending.sent,
    )


def waiting_sendings(experiment: str) -> list[tuple[str, Sending]]:
    """Return the submissions that still wait in the outbox, each with its run's name."""
    records = [record for _, record in Outbox(scratch_folder() / "outbox").waiting() if record.experiment == experiment]
    return [(record.name, sending) for record in records for sending in sendings(record.tags)]


def sent_on(day: datetime, moments: Iterable[datetime]) -> int:
    """Return how many of these moments are on a day as Kaggle counts it, from midnight to midnight UTC."""
    return sum(moment.astimezone(UTC).date() == day.astimezone(UTC).date() for moment in moments)
