"""What runs in processes that are killed; a module of its own, which such a process can import by its name."""

from goldfold.files import folder_written_whole, write_json, written_whole
from goldfold.scratch import keeping
from goldfold.tracking.delivery import deliver_waiting
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store

VERSIONS = 10_000
SIZE = 200_000


def record():
    return Record("mine", "key", "run", fold="fold 0", params={"lr": "1"}, metrics=[("loss", 0.5, 0, 1.0)], status="FINISHED")


def deliver(root):
    """What a stage does at its end."""
    outbox = Outbox(root / ".goldfold/outbox")
    if not (root / "put").exists():
        outbox.put(record())
        (root / "put").touch()
    deliver_waiting(outbox, Store(root))


def write_file(path):
    for version in range(VERSIONS):
        with written_whole(path) as draft:
            draft.write_bytes(bytes([version % 256]) * SIZE)


def write_folder(path):
    for version in range(VERSIONS):
        with folder_written_whole(path) as draft:
            for name in "ab":
                (draft / name).write_bytes(bytes([version % 256]) * SIZE)


def keep_folder(path):
    for version in range(VERSIONS):
        with keeping(path) as draft:
            write_json(draft / "a.json", version)


def put_records(path):
    for _ in range(VERSIONS):
        Outbox(path).put(record())
