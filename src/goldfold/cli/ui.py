"""Open the MLflow UI on this repository's runs."""

import argparse
import os
import socket
import sys

from goldfold.cli.arguments import whole
from goldfold.errors import InputError, without_password
from goldfold.tracking.delivery import open_store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the port."""
    parser.add_argument("--port", type=whole(1, 65_535), default=5000)


def run(args: argparse.Namespace) -> None:
    """Replace this process by the MLflow UI on this repository's store."""
    store = open_store()
    if store.uri.startswith("http"):
        print(f"the runs are at {without_password(store.uri)}")
        return
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", args.port)) == 0:
            raise InputError(f"port {args.port} is in use, maybe by another MLflow UI", mend="goldfold ui --port 5001")
    print(f"MLflow UI: http://127.0.0.1:{args.port}  (Ctrl-C ends it)", flush=True)
    options = ["--host", "127.0.0.1", "--port", str(args.port)]
    # All on this machine read the arguments of a process, and the address may hold a password.
    env = {**os.environ, "MLFLOW_BACKEND_STORE_URI": store.uri}
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "ui", *options], env)
