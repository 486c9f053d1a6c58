"""Open the MLflow UI on this competition's runs."""

import argparse
import os
import socket
import sys

from goldfold.cli.arguments import whole
from goldfold.errors import InputError, without_password
from goldfold.leaderboard.mlflow_view import CURVES, SCORES, shared_views
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED
from goldfold.runs.run import all_runs
from goldfold.tracking.delivery import open_store


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the port."""
    parser.add_argument("--port", type=whole(1, 65_535), default=5000)


def run(args: argparse.Namespace) -> None:
    """Print where the runs are shown by their scores; replace this process by the MLflow UI, unless there is a server."""
    store, served = open_store(), f"http://127.0.0.1:{args.port}"
    if store.uri.startswith("http"):
        served = without_password(store.uri).rstrip("/")
    else:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", args.port)) == 0:
                raise InputError(f"port {args.port} is in use, maybe by another MLflow UI", mend="goldfold ui --port 5001")
    problem = PreparedSet.problem_in(PREPARED)
    if problem is None:
        print(f"MLflow UI   {served}  (nothing is prepared yet, so there are no runs of this competition)", flush=True)
    else:
        experiment = store.share_views(problem.name, shared_views(problem.scored_by, all_runs(problem.name)))
        for what, key in (("by score", SCORES), ("curves", CURVES)):
            page = "&compareRunsMode=CHART" * (key == CURVES)
            address = f"{served}/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={key}{page}"
            print(f"{what:<12}{address}", flush=True)
    if store.uri.startswith("http"):
        return
    print("Ctrl-C ends it", flush=True)
    # Its workers' greetings would push the addresses out of sight.
    options = ["--host", "127.0.0.1", "--port", str(args.port), "--uvicorn-opts", "--log-level warning"]
    # All on this machine read the arguments of a process, and the address may hold a password.
    env = {**os.environ, "MLFLOW_BACKEND_STORE_URI": store.uri}
    os.execve(sys.executable, [sys.executable, "-m", "mlflow", "ui", *options], env)
