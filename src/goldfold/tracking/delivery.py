"""Deliver records from the outbox to the store, at once or later."""

import sys

from goldfold.scratch import repository, scratch_folder
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Refused, Store


def send(record: Record) -> None:
    """Deliver a record now, or with a later one if the store does not answer."""
    outbox = Outbox(scratch_folder() / "outbox")
    outbox.put(record)
    try:
        deliver_waiting(outbox, Store(repository()))
    except Exception as error:
        warn(str(error))


def deliver_waiting(outbox: Outbox, store: Store) -> None:
    """Deliver all records of the outbox, oldest first, and remove them from it; set aside those that MLflow refuses."""
    with store.lock:
        for path, record in outbox.waiting():
            try:
                store.take(record)
            except Refused as error:
                aside = outbox.set_aside(path)
                message = f"MLflow refused a record of {record.name}, which is kept in {aside}: {first_line(str(error))}"
                print(f"tracking: {message}", file=sys.stderr, flush=True)
            else:
                outbox.remove(path)


def warn(reason: str) -> None:
    """Print that the store did not answer."""
    print(f"tracking: {first_line(reason)}; continuing, and sending it later", file=sys.stderr, flush=True)


def first_line(text: str) -> str:
    """Return the first line of an error's text."""
    return text.strip().splitlines()[0] if text.strip() else "unknown error"
