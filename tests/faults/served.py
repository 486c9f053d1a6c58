"""Servers that tests run: MLflow's, and PostgreSQL."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil


class Server:
    """A real `mlflow server`, which can be stopped, hung and started again on its port."""

    def __init__(self, folder, store=None):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.uri, self.folder = f"http://127.0.0.1:{self.port}", folder
        self.store = store or f"sqlite:///{folder}/server.db"
        self.start()

    def start(self):
        options = ["--backend-store-uri", self.store, "--artifacts-destination", f"{self.folder}/files"]
        command = [sys.executable, "-m", "mlflow", "server", *options, "--port", str(self.port), "--workers", "1"]
        with (self.folder / "server.log").open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        while not self.answers():
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            time.sleep(0.2)

    def answers(self):
        try:
            return urlopen(f"{self.uri}/health", timeout=1).status == 200
        except OSError:
            return False

    def send(self, sign):
        workers = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, sign)
        if sign == signal.SIGKILL:
            self.process.wait()
            # They answer for a moment longer.
            psutil.wait_procs(workers)

    def stop(self):
        self.send(signal.SIGKILL)


def all_at_once(processes):
    """Tell processes that wait for a line to go on; return what each wrote to its stderr."""
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate()[1] for process in processes]


def postgres_programs():
    """The folder of PostgreSQL's programs, or None."""
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server with an empty database, and its address; it refuses root, who has the user postgres run it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        port, data = probe.getsockname()[1], f"{folder}/data"
        someone = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if someone:
            shutil.chown(folder, "postgres")

        def run(name, *arguments):
            subprocess.run(
                [*someone, str(postgres_programs() / name), *arguments], check=True, stdout=subprocess.DEVNULL, cwd=folder
            )

        run("initdb", "--pgdata", data, "--username", "mlflow", "--auth", "trust", "--no-sync")
        probe.close()
        options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
        run("pg_ctl", "start", "--wait", "--pgdata", data, "--log", f"{folder}/log", "--options", options)
        try:
            run("createdb", "--host", folder, "--port", str(port), "--username", "mlflow", "mlflow")
            yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/mlflow"
        finally:
            run("pg_ctl", "stop", "--pgdata", data, "--mode", "immediate")
