"""Deliver records from the outbox to the store, at once or later."""

import sys
from collections.abc import Iterable, Sequence

from filelock import FileLock

from goldfold.errors import DiskError, InputError
from goldfold.scratch import repository, scratch_folder
from goldfold.tracking.client import Refused, first_line
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store


def send(record: Record) -> None:
    """Deliver a record now, or with a later one if the store does not answer."""
    outbox = Outbox(scratch_folder() / "outbox")
    unkept = keep_all(outbox, [record])
    try:
        deliver_waiting(outbox, Store(repository()), unkept)
    except InputError as error:
        warn(error)
        tell_lost(unkept)


def open_store() -> Store:
    """Open the store, and deliver what waits for it; raises Unreachable where it cannot be used."""
    store = Store(repository())
    deliver_waiting(Outbox(scratch_folder() / "outbox"), store)
    return store


def catch_up() -> None:
    """Deliver what waits, and end the runs whose processes are gone, if the store answers."""
    try:
        open_store()
    except InputError as error:
        warn(error)


def keep_all(outbox: Outbox, records: Iterable[Record]) -> list[Record]:
    """Put records into the outbox; return those that the disk does not take, to be delivered at once."""
    unkept: list[Record] = []
    for record in records:
        try:
            outbox.put(record)
        except DiskError as error:
            if not unkept:
                print(f"tracking: the outbox takes nothing: {error}", file=sys.stderr, flush=True)
            unkept.append(record)
    return unkept


def deliver_waiting(outbox: Outbox, store: Store, unkept: Iterable[Record] = ()) -> None:
    """Deliver all records of the outbox, oldest first, and remove them from it; after them, those that it did not take.

    What MLflow refuses is set aside.
    """
    if outbox.folder.is_dir():
        with FileLock(outbox.folder.with_name("outbox.lock")):
            for path, record in outbox.waiting():
                if reason := _refusal(store, record):
                    _tell_refused(record, f", which is kept in {outbox.set_aside(path)}", reason)
                else:
                    outbox.remove(path)
    for record in unkept:
        if reason := _refusal(store, record):
            _tell_refused(record, "", reason)


def _refusal(store: Store, record: Record) -> str:
    """Deliver a record; return the reason where MLflow refuses it."""
    try:
        store.take(record)
    except Refused as error:
        return first_line(str(error))
    return ""


def _tell_refused(record: Record, where: str, reason: str) -> None:
    print(f"tracking: MLflow refused a record of {record.name}{where}: {reason}", file=sys.stderr, flush=True)


def tell_lost(records: Sequence[Record]) -> None:
    """Print that records were neither kept nor delivered, if there are some."""
    if records:
        say = f"{len(records)} records are lost: neither disk nor store took them; `dvc repro --force` makes them again"
        print(f"tracking: {say}", file=sys.stderr, flush=True)


def warn(error: Exception) -> None:
    """Print that the store did not answer."""
    told = str(error).partition("\nTo mend it: ")[0]
    reason = ": ".join(line.strip() for line in told.splitlines())
    print(f"tracking: {reason}; continuing, and sending it later", file=sys.stderr, flush=True)
