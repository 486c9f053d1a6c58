"""SIGKILL at random moments, then the same command: what it leaves is what it would have left."""

import os
import shutil

import pytest
from faulted import SIZE, deliver, keep_folder, put_records, write_file, write_folder

from goldfold.files import DRAFTS, write_json
from goldfold.scratch import is_whole
from goldfold.tracking.store import Store


@pytest.fixture(autouse=True)
def no_server(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_store(tally, tries, killed_at_random, undisturbed, tmp_path):
    """SIGKILL while the store is made and a record is delivered."""
    (tmp_path / "whole").mkdir()
    seconds = undisturbed(deliver, tmp_path / "whole")
    for number in tries(2, 20):
        root = tmp_path / str(number)
        root.mkdir()
        killed_at_random(deliver, root, seconds=seconds)
        deliver(root)
        store = Store(root)
        runs = store.client.search_runs([store.experiment("mine")])
        said = sorted((run.data.tags.get("goldfold.fold", ""), run.info.status, len(run.data.metrics)) for run in runs)
        write_json(root / "next", 1)
        # Between the outbox and its mark the record may be put twice, which changes nothing.
        whole = said == [("", "FINISHED", 0), ("fold 0", "FINISHED", 1)] and not list(root.glob(DRAFTS))
        tally.count(whole, said=f"{said} {os.listdir(root)}")


def is_one_version(path):
    return len(set(path.read_bytes())) == 1 and path.stat().st_size == SIZE


WRITERS = {
    write_file: is_one_version,
    write_folder: lambda path: (path / "a").read_bytes() == (path / "b").read_bytes() and is_one_version(path / "a"),
    keep_folder: is_whole,
    put_records: lambda path: all(is_whole(folder) for folder in path.glob("[0-9]*")),
}


@pytest.mark.parametrize("write", WRITERS)
def test_writes(tally, tries, killed_at_random, tmp_path, write):
    """SIGKILL while files, folders and records are written."""
    path = tmp_path / "written"
    for _ in tries(4, 25):
        killed_at_random(write, path, seconds=0.5)
        whole = not path.exists() or WRITERS[write](path)
        write_json(tmp_path / "next", 1)
        drafts = [*tmp_path.glob(DRAFTS)]
        if path.is_dir():
            shutil.rmtree(path)
        tally.count(whole and not drafts)
