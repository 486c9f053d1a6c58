"""What runs in processes that are killed; a module of its own, which such a process can import by its name."""

import os
import subprocess
import sys
from pathlib import Path

from goldfold.files import folder_written_whole, write_json, written_whole
from goldfold.process import run_to_end
from goldfold.scratch import keeping
from goldfold.tracking.delivery import deliver_waiting
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store

HERE = Path(__file__).parent
PATHS = os.pathsep.join([str(HERE), str(HERE.parents[1] / "src")])
VERSIONS = 10_000
SIZE = 200_000


def finished_fold(key):
    """The record of a fold that is finished."""
    return Record("mine", key, "run", fold="fold 0", params={"lr": "1"}, metrics=[("loss", 0.5, 0, 1.0)], status="FINISHED")


def one_of_many(root, uri, key):
    """A clone of its own, which delivers a record once it is told to."""
    code = f"""
import pathlib, sys
import mlflow.tracking
from faulted import finished_fold
from goldfold.tracking.delivery import catch_up, send
from goldfold.tracking.record import Outbox
record, waiting = finished_fold({key!r}), Outbox(pathlib.Path({str(root)!r}) / ".goldfold/outbox")
sys.stdin.readline()
send(record)
# What the server was too busy to take goes with the next stage.
for _ in range(20):
    if waiting.waiting():
        catch_up()
sys.exit(len(waiting.waiting()) + len(list(waiting.folder.glob("refused/*"))))
"""
    root.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "PYTHONPATH": PATHS, "MLFLOW_TRACKING_URI": uri, "DVC_ROOT": str(root)}
    return subprocess.Popen([sys.executable, "-c", code], env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def deliver(root):
    """What a stage does at its end."""
    outbox = Outbox(root / ".goldfold/outbox")
    if not (root / "put").exists():
        outbox.put(finished_fold("key"))
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
        Outbox(path).put(finished_fold("key"))


def train_with_loaders(prepared, out):
    """Train a fold on batches of some megabytes; ends the process."""
    from goldfold.config import parse_config
    from goldfold.prepare import PreparedSet
    from goldfold.training import train_fold

    model = {"name": "test_resnet", "image_size": 224}
    tree = {"competition": {"path": "x"}, "model": model, "train": {"epochs": 1, "batch_size": 32, "workers": 2}}
    run_to_end(lambda: train_fold(PreparedSet.load(Path(prepared)), 0, 0, parse_config(tree), Path(out) / "fold"))
