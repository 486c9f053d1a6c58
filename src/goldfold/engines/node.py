"""What a node of a Ray cluster does: it says what it is, and does jobs with what it finds in the repository or in storage."""

import os
import pickle
import shutil
import signal
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from goldfold.engines import storage
from goldfold.engines.job import Job
from goldfold.engines.pool import Sender, do
from goldfold.errors import InputError
from goldfold.identity import LIBRARIES, installed
from goldfold.training.device import machine, use_threads
from goldfold.training.reporter import Reporter
from goldfold.training.state import RESULT, STATE, STATES, discard
from goldfold.training.stopping import Stop

KEPT = 3
"""How many prepared sets a node keeps."""
Description = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """Where jobs find what they need, on any node.

    Without `storage` that is the repository, in which nodes have to find the `token`. In storage they find a prepared set and the
    files that settings name, each by what it holds.
    """

    folder: Path
    repository: Path
    threads: int
    storage: str | None
    token: str
    prepared: str = ""
    files: str = ""


def states(address: str, job: Job) -> str:
    """Return where in storage a job's state lies."""
    return f"{address}/{storage.STATES}/{job.key}"


def describe(site: Site) -> Description:
    """Return what a node is; raises InputError unless it sees what the nodes share."""
    import ray

    name = ray.util.get_node_ip_address()
    if site.storage is None and not (site.repository / site.token).is_file():
        raise InputError(
            f"the node {name} does not see {site.repository}",
            mend="set runtime.storage to an address or a folder that all nodes reach, or mount this folder on all of them",
        )
    with use_threads(site.threads):
        return {"node": name, "machine": machine(), "libraries": [installed(library) for library in LIBRARIES]}


def require_same(found: Description, expected: Description) -> None:
    """Raise InputError for a node on which a training would be another one."""
    other = [
        f"{theirs}, not {ours}" for theirs, ours in zip(found["libraries"], expected["libraries"], strict=True) if theirs != ours
    ]
    if found["machine"] != expected["machine"]:
        told = [" ".join(map(str, description["machine"][:2])) for description in (found, expected)]
        other.append(f"the device and its half precision: {told[0]}, on {expected['node']} {told[1]}")
    if other:
        raise InputError(
            f"the node {found['node']} would train other weights than the others", other, "use nodes of one kind, set up alike"
        )


def work(job: Job, site: Site, expected: Description, number: str, seconds: float | None, reports: Any) -> dict[str, bytes]:
    """Do a job on a node, and return the files of its FoldResult."""
    require_same(describe(site), expected)
    reporter = Sender(lambda report: reports.put((number, pickle.dumps(report))))
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as ending:
        folder = Path(temporary)
        # A process that is in no folder can do no further job.
        ending.callback(os.chdir, folder.parent)
        job = replace(job, folder=folder / "result")
        if site.storage is None:
            os.environ["DVC_ROOT"] = str(site.repository)
            do(partial(_run, job, reporter), site.folder, site.threads, seconds, signal.SIGINT)
        else:
            os.environ["DVC_ROOT"] = str(folder / "clone")
            _do_from_storage(job, site, site.storage, folder / "clone", reporter, seconds)
        return {path.name: path.read_bytes() for path in job.folder.iterdir()}


def _do_from_storage(job: Job, site: Site, address: str, clone: Path, reporter: Reporter, seconds: float | None) -> None:
    """Do a job with what is in storage, whereto its state goes whenever it is saved."""
    here = Path(tempfile.gettempdir()) / f"goldfold-{os.getuid()}"
    job = replace(job, prepared=_fetch_prepared(here / "prepared", site.prepared, address), scratch=here / "scratch")
    clone.mkdir()
    if site.files:
        storage.get(f"{address}/{storage.FILES}/{site.files}", clone)
    state = job.scratch / STATES / job.key
    storage.get_newest(states(address, job), state)
    put = _saved(state)

    def put_if_saved() -> None:
        nonlocal put
        if _saved(state) != put:
            storage.put_newest(state, states(address, job))
            put = _saved(state)

    def run(stop: Stop) -> None:
        def stop_after_putting() -> Any:
            put_if_saved()
            return stop()

        _run(job, reporter, stop_after_putting)

    try:
        do(run, clone, site.threads, seconds, signal.SIGINT)
    finally:
        put_if_saved()
        discard(job.scratch, job.key)


def _run(job: Job, reporter: Reporter, stop: Stop) -> None:
    """Do a job; raises InputError where its training would be another one than where it was asked for."""
    if job.key_here() != job.key:
        raise InputError(
            f"{job.name} would be another training on a node than here: the files that the settings name differ",
            mend="name them within the repository, or by paths under which all nodes find the same files",
        )
    job.run(reporter, stop)


def _saved(state: Path) -> tuple[int, bool]:
    """Return when a state was saved last, and whether the training is finished."""
    file = state / STATE
    return file.stat().st_mtime_ns if file.is_file() else 0, (state / RESULT).is_dir()


def _fetch_prepared(folder: Path, name: str, address: str) -> Path:
    """Return a prepared set's folder on this node, fetched from storage unless it is there; the last few are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "fetching.lock"):
        if not (folder / name).is_dir() and not storage.get(f"{address}/{storage.PREPARED}/{name}", folder / name):
            raise InputError(
                f"params.yaml, runtime.storage: {address} does not hold the prepared set", mend="the same command puts it there"
            )
        (folder / name).touch()
        others = sorted((path for path in folder.iterdir() if path.is_dir()), key=lambda path: path.stat().st_mtime)
        for stale in others[:-KEPT]:
            with suppress(OSError):
                shutil.rmtree(stale)
    return folder / name
