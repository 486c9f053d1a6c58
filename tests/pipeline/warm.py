"""A process with the libraries imported, from which the stages and commands of whole runs are forked.

A stage takes seconds to import torch, timm and MLflow, and a whole run has five of them. Nothing of goldfold is imported before
the fork: each run has the code of its own clone.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("python", "goldfold", "dvc")
LIBRARIES = [
    "albumentations",
    "cv2",
    "dvc.cli.parser",
    "dvc.repo.experiments.executor.local",
    "dvc.repo.reproduce",
    "matplotlib.pyplot",
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.tracking",
    "pandas",
    "pyarrow.parquet",
    "pydantic",
    "rich.progress",
    "ruamel.yaml",
    "safetensors.torch",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "skops.io",
    "timm",
    "torchvision.transforms.v2",
]

# Stands on the path as `python`, `goldfold` and `dvc`: has the warm process do it, and is that program to the one who called it.
CALLER = """#!{python} -IS
import json, os, select, signal, socket, sys

name, arguments = os.path.basename(sys.argv[0]), sys.argv[1:]
if arguments[:3] == ["-P", "-m", "dvc"]:
    name, arguments = "dvc", arguments[3:]
if name == "python" and not (arguments and arguments[0].startswith("pipelines/")):
    os.execv("{python}", ["{python}", *arguments])
warm = socket.socket(socket.AF_UNIX)
warm.connect("{address}")
request = json.dumps([name, arguments, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(warm, [len(request).to_bytes(4)], [0, 1, 2])
warm.sendall(request)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: warm.send(bytes([number])))
code, number = warm.recv(2) or (1, 0)
if number == signal.SIGKILL and os.environ.get("KILL"):
    # It was killed with its process group, which would be this one, and DVC's, if it were not forked.
    os.killpg(0, signal.SIGKILL)
if number:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
sys.exit(code)
"""


@contextmanager
def warm_programs(folder: Path) -> Iterator[Path]:
    """Yield a folder with `PROGRAMS`, of which stages and commands are forked from one process."""
    address = folder / "warm"
    for name in PROGRAMS:
        program = folder / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(CALLER.format(python=sys.executable, address=address))
        program.chmod(0o755)
    settings = {"OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1", "MPLBACKEND": "agg"}
    listening = [sys.executable, __file__, address]
    with subprocess.Popen(listening, cwd=folder, env=os.environ | settings, stdout=subprocess.PIPE) as process:
        assert process.stdout and process.stdout.readline() == b"ready\n"
        yield folder / "bin"
        process.kill()


def serve(address: str) -> None:
    """Fork a process for each caller, for ever."""
    for library in LIBRARIES:
        __import__(library)
    for name in [name for name in sys.modules if name.partition(".")[0] in ("goldfold", "own", "goldfold_here")]:
        del sys.modules[name]
    callers = socket.socket(socket.AF_UNIX)
    callers.bind(address)
    callers.listen()
    print("ready", flush=True)
    # Nobody waits for those who wait.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        caller = callers.accept()[0]
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            callers.close()
            os._exit(_wait(caller, _forked(caller, Path(address).parent / "bin/python")))
        caller.close()


def _forked(caller: socket.socket, python: Path) -> int:
    import json

    length, streams, *_ = socket.recv_fds(caller, 4, 3)
    request = b""
    while len(request) < int.from_bytes(length):
        request += caller.recv(65536)
    pid = os.fork()
    if not pid:
        caller.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        # What it runs by its Python is forked as well.
        sys.executable = str(python)
        _become(*json.loads(request))
    # The child does it too: whichever comes first.
    with suppress(OSError):
        os.setpgid(pid, pid)
    for stream in streams:
        os.close(stream)
    return pid


def _become(name: str, arguments: list[str], folder: str, environment: dict[str, str]) -> None:
    import runpy

    os.setpgid(0, 0)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = arguments if name == "python" else [name, *arguments]
    sys.path[0] = str(Path(folder) / "pipelines")
    # What Python does as it starts.
    added = list(filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)))
    sys.path[1:1] = added
    for startup in [Path(path) / "sitecustomize.py" for path in added]:
        if startup.is_file():
            exec(startup.read_text(), {})
    if name == "dvc":
        from dvc.cli import main

        sys.exit(main(arguments))
    import goldfold_here

    if name == "goldfold":
        goldfold_here.main()
    else:
        runpy.run_path(str(Path(folder) / arguments[0]), run_name="__main__")
    sys.stdout.flush()
    os._exit(0)


def _wait(caller: socket.socket, pid: int) -> int:
    """Wait for the forked process and tell its caller; pass the caller's signals on, and its end."""
    ended = os.pidfd_open(pid)
    while ended not in (ready := select.select([caller, ended], [], [])[0]):
        assert caller in ready
        number = caller.recv(1)
        os.killpg(pid, int.from_bytes(number) if number else signal.SIGKILL)
        if not number:
            break
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        caller.send(bytes([max(code, 0), max(-code, 0)]))
    except OSError:
        return 1
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])
