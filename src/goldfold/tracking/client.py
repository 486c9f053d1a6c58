"""MLflow's client: opened within seconds, or not at all; its errors are messages for people."""

import errno
import logging
import os
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from filelock import FileLock

from goldfold.errors import DiskError, InputError, without_password
from goldfold.files import database_written_whole

ANSWER_WITHIN = 5.0
"""How long a store may take to open, in seconds."""
LOCKED_FOR = 3.0
MADE_WITHIN = 60.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
REFUSED = ("INVALID_PARAMETER_VALUE", "BAD_REQUEST", "INVALID_STATE")
"""MLflow's codes of the errors that sending the same again would not help."""
NO_PLACE = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)
"""Errors of a disk that speak of the address, not of the disk."""
TAKEN, MISSING = "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST"
ELSEWHERE = "or correct MLFLOW_TRACKING_URI, or unset it for mlflow.db here"


class Unreachable(InputError):
    """The store does not answer, or cannot be used."""


class Taken(Unreachable):
    """There is one of that name already: somebody was faster."""


class Missing(Unreachable):
    """There is none of that name."""


class Refused(Exception):
    """The store answers and refuses what it is given."""


def tracking_uri(root: Path) -> str:
    """Return MLFLOW_TRACKING_URI if it is set, else the absolute address of mlflow.db in the repository's root."""
    return os.environ.get("MLFLOW_TRACKING_URI") or own_store(root)


def own_store(root: Path) -> str:
    """Return the address of the repository's own store."""
    return f"sqlite:///{root / 'mlflow.db'}"


def database(uri: str) -> Path | None:
    """Return the file of a store in SQLite."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def connect(root: Path) -> "Client":
    """Open the store of the repository in `root`; raises Unreachable where it cannot be used, within `ANSWER_WITHIN` seconds.

    A database that is not there is made, whole or not at all; one of this repository that a kill left unfinished is set aside.
    """
    uri = tracking_uri(root)
    _require_address(uri)
    _prepare_mlflow(uri)
    file = database(uri)
    if file:
        with as_message(uri):
            _make_if_missing(file, is_ours=uri == own_store(root))
    return _within(ANSWER_WITHIN, uri, lambda: _answering(uri))


def _answering(uri: str) -> "Client":
    """Return a client of a store that answers."""
    require_answer(uri)
    try:
        client = Client(uri)
        client.search_experiments(max_results=1)
    except Refused as error:
        raise _unusable(uri, str(error)) from None
    return client


class Client:
    """MLflow's client, whose errors are Unreachable, Taken, Missing or Refused."""

    def __init__(self, uri: str) -> None:
        import mlflow

        with as_message(uri):
            self._uri, self._client = uri, mlflow.MlflowClient(uri, registry_uri=uri)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def asked(*arguments: Any, **named: Any) -> Any:
            with as_message(self._uri):
                return method(*arguments, **named)

        return asked


def require_answer(uri: str) -> None:
    """Raise Unreachable for a server that takes no connection; MLflow itself would try for minutes."""
    address = urlparse(uri)
    port = address.port or PORTS.get(address.scheme.partition("+")[0])
    if address.hostname is None or port is None:
        return
    try:
        socket.create_connection((address.hostname, port), LOCKED_FOR).close()
    except OSError as error:
        raise _does_not_answer(uri, str(error)) from None


def _does_not_answer(uri: str, reason: str) -> Unreachable:
    return Unreachable(f"{uri} does not answer ({reason})", mend=f"start the MLflow server, {ELSEWHERE}")


def _require_address(uri: str) -> None:
    """Raise Unreachable for an address that is none."""
    if uri.startswith("sqlite:") and (not uri.startswith("sqlite:///") or uri == "sqlite:///"):
        path = Path(uri.removeprefix("sqlite:").lstrip("/")).absolute()
        mend = f"write sqlite:///{path}, with three slashes before the path, {ELSEWHERE}"
        raise Unreachable(f"MLFLOW_TRACKING_URI={uri} is no address of a database", mend=mend)


def _prepare_mlflow(uri: str) -> None:
    """Import MLflow, and have it give up soon, be quiet, and report to nobody."""
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

    for name in ("alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # It logs each of its errors with a traceback, and raises it; here it is raised.
    logging.getLogger("mlflow.store").setLevel(logging.CRITICAL)
    # Not while a clock runs: on a busy machine it takes longer than any answer.
    import mlflow.tracking  # noqa: F401

    if not uri.startswith("http"):
        from mlflow.store.db import utils

        # It has no setting; ten tries are a hundred seconds.
        utils.MAX_RETRY_COUNT = 1


def _within(seconds: float, uri: str, open_it: Callable[[], "Client"]) -> "Client":
    """Return what opens within some time, or raise what that raises; Unreachable where it takes longer."""
    opened, failed = list["Client"](), list[BaseException]()

    def act() -> None:
        try:
            opened.append(open_it())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
    for error in failed:
        raise error
    if not opened:
        raise _does_not_answer(uri, f"within {seconds:g} seconds")
    return opened[0]


@contextmanager
def as_message(uri: str) -> Iterator[None]:
    """Raise the errors of MLflow, and of what it stands on, as Unreachable, Taken, Missing or Refused."""
    from alembic.util.exc import CommandError
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except InputError:
        raise
    except (MlflowException, SQLAlchemyError, CommandError, sqlite3.Error, OSError, ImportError) as error:
        code = getattr(error, "error_code", "")
        # MLflow calls some errors of a database bad requests, as when two clones log the same at once; from a server there is
        # only their text, which ends with SQLAlchemy's address.
        of_database = isinstance(error.__cause__, SQLAlchemyError) or "https://sqlalche.me/" in str(error)
        if code in REFUSED and not of_database:
            raise Refused(str(error)) from error
        disk = DiskError.of(error) if isinstance(error, OSError) else None
        if isinstance(disk, DiskError) and disk.errno not in NO_PLACE:
            raise disk from error
        raise _unusable(uri, str(error), {TAKEN: Taken, MISSING: Missing}.get(code, Unreachable)) from error


def _unusable(uri: str, text: str, kind: "type[Unreachable]" = Unreachable) -> Unreachable:
    return kind(f"the MLflow store {uri} cannot be used", [first_line(text)], _mend(uri, text))


def first_line(text: str) -> str:
    """Return the first line of an error's text, without passwords."""
    return without_password(text.strip().splitlines()[0]) if text.strip() else "unknown error"


def _mend(uri: str, text: str) -> str:
    """Return how to mend a store that says `text`."""
    file = database(uri)
    if "No module named" in text:
        return f"pip install what is missing, {ELSEWHERE}"
    if file is None:
        return f"look at the server, {ELSEWHERE}"
    if "locked" in text:
        return "wait for the program that holds it, or close that (a browser of databases, another MLflow UI); then try again"
    if "readonly" in text or "unable to open" in text:
        return f"have {file} and its folder written by your user (chmod u+rwX; mount the disk to be written), {ELSEWHERE}"
    if "full" in text:
        return f"{DiskError.ROOM}; then try again"
    if "Errno" in text:
        return "correct MLFLOW_TRACKING_URI, or unset it for mlflow.db here"
    return f"mv {file} {file}.broken: the next command makes a new one, which `dvc repro --force` fills with the current result"


def _make_if_missing(file: Path, is_ours: bool) -> None:
    """Make the database of a store in a draft; raise Unreachable for one of another version of MLflow.

    A kill while MLflow makes it leaves a schema that never opens again. Such a one is set aside if it is ours and holds no run.
    """
    if _is_made(file):
        return
    with FileLock(file.with_name(f".{file.name}.lock"), timeout=MADE_WITHIN):
        if _is_made(file):
            return
        if file.is_file():
            _set_aside(file, is_ours)
        with database_written_whole(file) as draft:
            _make(draft)


def _make(file: Path) -> None:
    """Make a database with MLflow's schema: dozens of migrations, a second or two."""
    Client(f"sqlite:///{file}").search_experiments(max_results=1)


def _schemas() -> Any:
    """Return MLflow's schemas, of all versions up to this one."""
    from alembic.script import ScriptDirectory
    from mlflow import __file__ as package

    return ScriptDirectory(str(Path(package).parent / "store" / "db_migrations"))


@lru_cache(maxsize=1)
def _newest() -> list[str]:
    """Return the revision of this MLflow's schema, for which Alembic imports dozens of files."""
    return list(_schemas().get_heads())


def _is_made(file: Path) -> bool:
    """Return whether a database is there, with the schema of this MLflow."""
    return file.is_file() and [_content(file)[0]] == _newest()


def _content(file: Path) -> tuple[str | None, bool]:
    """Return the revision of a database's schema, and whether there are runs; raises sqlite3.Error if it cannot be written."""
    with closing(sqlite3.connect(file, timeout=LOCKED_FOR, isolation_level=None)) as store:
        store.execute("BEGIN IMMEDIATE")
        tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        revision = store.execute("SELECT version_num FROM alembic_version").fetchone() if "alembic_version" in tables else None
        has_runs = "runs" in tables and store.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is not None
        return revision[0] if revision else None, has_runs


def _set_aside(file: Path, is_ours: bool) -> None:
    """Rename an unfinished database; raise Unreachable for another's, or one with runs: it is one of another version."""
    revision, has_runs = _content(file)
    if has_runs or not is_ours:
        is_older = revision in {schema.revision for schema in _schemas().walk_revisions()}
        upgrade = f"cp {file} {file}.before && mlflow db upgrade sqlite:///{file}"
        other = f"install the MLflow that made it, or mv {file} {file}.other: the next command makes a new one"
        raise Unreachable(
            f"the MLflow store {file} was made by {'an older' if is_older else 'another'} version of MLflow",
            mend=upgrade if is_older else other,
        )
    number = 1
    while (aside := file.with_name(f"{file.name}.unfinished-{number}")).exists():
        number += 1
    # What SQLite wrote beside it would be applied to the next.
    for suffix in ("", "-journal", "-wal", "-shm"):
        part = file.with_name(file.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    say = f"{file.name} was left unfinished by a kill; it is set aside as {aside.name}, and a new one is made"
    print(f"tracking: {say}", file=sys.stderr, flush=True)
