"""Run jobs on a Ray cluster: each a task that asks for its cores and, where nodes have them, a GPU.

The code travels as the tasks' environment, results come back through Ray. All else lies where the nodes see it: in this
repository itself, or in runtime.storage, from where a node fetches what it needs into a folder of its own.
"""

import hashlib
import logging
import os
import pickle
import secrets
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from goldfold.config.runtime import RuntimeConfig
from goldfold.engines import storage
from goldfold.engines.job import Job
from goldfold.engines.node import Description, Site, describe, require_same, states, work
from goldfold.engines.pool import POLL, Died, Lost, Pool, pass_on
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, link, read_json
from goldfold.identity import LIBRARIES, SOURCE, installed
from goldfold.process import cores
from goldfold.scratch import repository, scratch_folder
from goldfold.training.reporter import Reporter
from goldfold.training.state import RESULT, STATE, STATES
from goldfold.training.stopping import Stopped

INSTALL = "pip install -r requirements-ray.txt -c constraints.txt"
WITHIN = 5.0
"""How long the cluster may take to answer at all, in seconds."""
ANSWERED_WITHIN = 60.0
"""How long nodes may take to say what they are; a node that is full is asked again with its first job."""


class Cluster(Pool["_Worker"]):
    """A pool on a Ray cluster: one that is there, or as long as this context lasts one on this machine."""

    def __init__(self, runtime: RuntimeConfig, threads: int, patience: float | None = None) -> None:
        super().__init__(threads, patience)
        self.runtime = runtime

    def __enter__(self) -> Self:
        with ExitStack() as ending:
            self.ray = _connected(self.runtime.address)
            ending.callback(self.ray.shutdown)
            from ray.util.queue import Queue
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

            token = ending.enter_context(_token())
            self.site = Site(Path.cwd(), repository(), self.threads, self.runtime.storage, token)
            # Whatever else is lost, reports wait where this process is.
            here = NodeAffinitySchedulingStrategy(self.ray.get_runtime_context().get_node_id(), soft=False)
            self.reports = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
            gpus = any(node["Resources"].get("GPU") for node in self._alive())
            self.asks = {"num_cpus": self.threads, "num_gpus": int(gpus), "max_retries": 0}
            rooms = self.rooms()
            self.described = self._describe(rooms, NodeAffinitySchedulingStrategy)
            room = sum(rooms.values())
            count = room if self.runtime.jobs == "auto" else min(self.runtime.jobs, room)
            self.free = [_Worker(self) for _ in range(count)]
            self.ending = ending.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.close()

    def machine(self) -> list[Any]:
        return list(self.described["machine"])

    def wait(self) -> None:
        with _answering():
            self.ray.wait([worker.future for worker in self.busy], timeout=POLL)

    def hear(self) -> None:
        by_number = {worker.number: worker for worker in self.busy}
        with _answering():
            waiting = self.reports.qsize()
            heard = self.reports.get_nowait_batch(waiting) if waiting else []
        for number, report in heard:
            if number in by_number:
                pass_on(pickle.loads(report), by_number[number].reporter)

    def rooms(self) -> dict[str, int]:
        """Return how many jobs at once each node has room for that has any; raises InputError where none has."""
        nodes, with_gpu = self._alive(), bool(self.asks["num_gpus"])
        found = {node["NodeID"]: _room(node["Resources"], self.threads, with_gpu) for node in nodes}
        if not any(found.values()):
            raise InputError(
                f"no node of the cluster has {self.threads} core{'s' * (self.threads > 1)}{' and a GPU' * with_gpu} for a fold",
                [f"{node['NodeManagerAddress']}: {int(node['Resources'].get('CPU', 0))} cores" for node in nodes],
                "wait for its nodes, or set runtime.threads; the same command goes on with what is saved",
            )
        return {node: room for node, room in found.items() if room}

    def begin(self, function: Callable[..., Any], arguments: Sequence[Any], *handles: Any, **options: Any) -> Any:
        """Begin a task that calls a function of this module with some arguments, and with handles of Ray's after them."""
        name, packed = function.__name__, pickle.dumps(arguments)

        # At an address ray://… the head passes on all of it, and may have no torch: only the node reads what is packed.
        def call(*handles: Any) -> Any:
            from goldfold.engines import cluster

            return getattr(cluster, name)(*pickle.loads(packed), *handles)

        return self.ray.remote(call).options(name=name, **self.asks, **options).remote(*handles)

    def _alive(self) -> list[dict[str, Any]]:
        return [node for node in self.ray.nodes() if node["Alive"]]

    def _describe(self, nodes: Iterable[str], affinity: Any) -> Description:
        """Return what all nodes are; raises InputError where they differ, or cannot do what is asked of them."""
        tasks = [self.begin(describe, (self.site,), scheduling_strategy=affinity(node, soft=False)) for node in nodes]
        answered, _ = self.ray.wait(tasks, num_returns=len(tasks), timeout=ANSWERED_WITHIN)
        try:
            with _told():
                found = self.ray.get(answered or tasks[:1])
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"a node of the cluster cannot run goldfold: {type(error).__name__}: {error}",
                mend="install on all nodes what docs/ray.md names, in the versions that requirements.txt pins",
            ) from error
        expected = {**found[0], "libraries": [installed(library) for library in LIBRARIES]}
        for description in found:
            require_same(description, expected)
        return expected


def _room(resources: Mapping[str, float], threads: int, with_gpu: bool) -> int:
    """Return how many jobs a node has room for."""
    room = int(resources.get("CPU", 0)) // threads
    return min(room, int(resources.get("GPU", 0))) if with_gpu else room


class _Worker:
    """A task at a time."""

    job: Job
    reporter: Reporter

    def __init__(self, cluster: Cluster) -> None:
        self.cluster, self.ray = cluster, cluster.ray

    def start(self, job: Job, reporter: Reporter, seconds: float | None) -> None:
        self.cluster.rooms()
        self.job, self.reporter, self.number = job, reporter, secrets.token_hex(8)
        site = self.cluster.site
        if site.storage:
            site = _lend(job, site, site.storage)
        job = replace(job, prepared=job.prepared.absolute(), scratch=job.scratch.absolute())
        arguments = (job, site, self.cluster.described, self.number, seconds)
        self.future = self.cluster.begin(work, arguments, self.cluster.reports)

    def is_done(self) -> bool:
        return bool(self.ray.wait([self.future], timeout=0)[0])

    def error(self) -> BaseException | None:
        from ray.exceptions import NodeDiedError, ObjectLostError, OutOfMemoryError, TaskCancelledError, WorkerCrashedError

        error: BaseException | None = None
        try:
            with _told():
                files = self.ray.get(self.future)
            with folder_written_whole(self.job.folder) as draft:
                for name, content in files.items():
                    (draft / name).write_bytes(content)
        except (NodeDiedError, ObjectLostError):
            return Lost("its node was lost; it goes on elsewhere")
        except (WorkerCrashedError, OutOfMemoryError):
            return Died("its process was ended on its node, often for want of memory")
        except TaskCancelledError:
            error = Stopped("what was trained is saved; the same command goes on")
        except Exception as raised:
            error = raised
        if self.cluster.site.storage:
            _bring_back(self.job, self.cluster.site.storage)
        return error

    def ask_to_stop(self) -> None:
        with _answering():
            self.ray.cancel(self.future)

    def kill(self) -> None:
        with _answering():
            self.ray.cancel(self.future, force=True)

    def alive(self) -> Self:
        return self


def _connected(address: str | None) -> Any:
    """Return Ray, connected to a cluster; raises InputError where Ray is missing, or the cluster does not answer."""
    # Ray would tell its makers, and the terminal each thing that it recovers from.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    try:
        import ray
        from ray._private import services
        from ray._private import worker as driver
    except ModuleNotFoundError as error:
        raise InputError("params.yaml, runtime.engine: ray needs Ray, which is not installed", mend=INSTALL) from error
    # It prints there what becomes of nodes, amid the progress, whatever it is told.
    driver.print_to_stdstream = lambda *_, **__: None
    settings: dict[str, Any] = {"address": "local", "num_cpus": cores(), "include_dashboard": False}
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            settings = {"address": services.canonicalize_bootstrap_address_or_die("auto") if address == "auto" else address}
            host, _, port = settings["address"].removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), timeout=WITHIN).close()
        code = {"working_dir": str(SOURCE), "excludes": ["**/__pycache__"]}
        ray.init(**settings, runtime_env=code, log_to_driver=False, logging_level=logging.ERROR)
    # Ray raises errors of many kinds, and may end the process.
    except (Exception, SystemExit) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if address is None:
            raise InputError(
                f"Ray does not start on this machine: {reason}", mend="see to it, or set runtime.engine: here"
            ) from error
        raise InputError(
            f"params.yaml, runtime.address: no Ray cluster answers at {address}: {reason}",
            mend="correct it, or start the cluster: ray start --head there; null starts Ray on this machine",
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            # Ray's own would end this process before it has saved anything.
            signal.signal(signal.SIGTERM, before)
    return ray


@contextmanager
def _told() -> Iterator[None]:
    """Raise what a task has raised as itself."""
    from ray.exceptions import RayTaskError

    try:
        yield
    except RayTaskError as error:
        raise error.cause from error


@contextmanager
def _answering() -> Iterator[None]:
    """Raise InputError where the cluster itself is lost."""
    from ray.exceptions import RayError

    try:
        yield
    except (RayError, ConnectionError) as error:
        raise InputError(
            f"the Ray cluster answers no more: {str(error).strip().splitlines()[0]}",
            mend="start it again; the same command goes on with what is saved",
        ) from error


@contextmanager
def _token() -> Iterator[str]:
    """Yield the name of a file in scratch, by which nodes see whether they see this repository."""
    token = scratch_folder() / f"cluster-{secrets.token_hex(8)}"
    token.parent.mkdir(parents=True, exist_ok=True)
    token.touch()
    try:
        yield str(token.relative_to(repository()))
    finally:
        token.unlink(missing_ok=True)


def _lend(job: Job, site: Site, address: str) -> Site:
    """Put into storage what a job needs, unless it is there, and return where."""
    site = replace(site, prepared=_put_prepared(job.prepared, address), files=_put_files(_files(job), address))
    state = job.scratch / STATES / job.key
    if any((state / part).exists() for part in (STATE, RESULT)) and not storage.names(states(address, job)):
        storage.put_newest(state, states(address, job))
    return site


def _bring_back(job: Job, address: str) -> None:
    """Take a job's state out of storage."""
    if storage.get_newest(states(address, job), job.scratch / STATES / job.key):
        storage.remove(states(address, job))


def _put_prepared(folder: Path, address: str) -> str:
    """Put a prepared set into storage, unless it is there; return its name."""
    name = str(read_json(folder / "prepared.json")["fingerprint"])
    if not storage.is_stored(f"{address}/{storage.PREPARED}/{name}"):
        storage.put(folder, f"{address}/{storage.PREPARED}/{name}")
    return name


def _files(job: Job) -> dict[Path, Path]:
    """Return the files of this repository that a job's settings name, by their names there."""
    config = job.config()
    files = {path: path for path in config.model.files}
    if config.train.pseudo:
        files[config.train.pseudo.labels] = repository() / config.train.pseudo.labels
    return {name: path for name, path in files.items() if path.is_file() and not name.is_absolute()}


def _put_files(files: Mapping[Path, Path], address: str) -> str:
    """Put files into storage, unless they are there, under their names; return where, or "" without files."""
    if not files:
        return ""
    digest = hashlib.blake2b(digest_size=16)
    for name, path in files.items():
        with path.open("rb") as content:
            digest.update(f"{name} {hashlib.file_digest(content, 'blake2b').hexdigest()}\n".encode())
    target = f"{address}/{storage.FILES}/{digest.hexdigest()}"
    if not storage.is_stored(target):
        with tempfile.TemporaryDirectory() as folder:
            for name, path in files.items():
                (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
                link(path, Path(folder) / name)
            storage.put(Path(folder), target)
    return digest.hexdigest()
