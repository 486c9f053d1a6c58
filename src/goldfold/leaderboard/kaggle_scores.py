"""Kaggle's scores of the submissions that runs remember."""

from collections.abc import Sequence
from dataclasses import replace

from goldfold.kaggle import Entry
from goldfold.runs.run import Run
from goldfold.tracking.submissions import Sending, log_sending, sendings


def refresh(results: Sequence[Run], entries: Sequence[Entry], metric: str) -> list[tuple[Run, Sending]]:
    """Log what is new of each run's submissions, and return it."""
    by_ref = {entry.ref: entry for entry in entries}
    changed = []
    for result in results:
        sent = sendings(result.tags)
        now = [as_seen(sending, by_ref[sending.ref]) if sending.ref in by_ref else sending for sending in sent]
        for position, (sending, seen) in enumerate(zip(sent, now, strict=True)):
            if seen != sending and result.origin:
                log_sending(result.origin, metric, seen, now[position + 1 :])
                changed.append((result, seen))
    return changed


def as_seen(sending: Sending, entry: Entry) -> Sending:
    """Update a submission by Kaggle's entry."""
    return replace(sending, status=entry.status, error=entry.error, public=entry.public_score, private=entry.private_score)
