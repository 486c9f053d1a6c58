"""A team: eight clones track to an MLflow server on PostgreSQL at once, and another one fetches what they have made."""

import importlib.util
import os
import subprocess
import sys
from collections import Counter

import pytest
from faulted import PATHS
from served import Server, all_at_once, postgres, postgres_programs

from goldfold.tracking.store import Store

CLONES, FOLDS = 8, 3
MISSING = "pip install -r requirements-server.txt" if not importlib.util.find_spec("psycopg2") else "apt install postgresql"
pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not (importlib.util.find_spec("psycopg2") and postgres_programs()), reason=MISSING),
]

# A pipeline's result with its folds, each with values and a file of its own. All clones begin when they are told to, and send
# later, as the next stage would, what the server was too busy to take.
CLONE = """
import os, pathlib, sys
import mlflow.tracking
from goldfold.tracking.delivery import catch_up, send
from goldfold.tracking.record import Outbox, Record

root, number = pathlib.Path(sys.argv[1]), int(sys.argv[2])
sys.stdin.readline()
for key in (f"alone {number}", "shared"):
    name = f"run-{number}" if key != "shared" else "run-shared"
    for fold in range(int(sys.argv[3])):
        content = f"{key}, fold {fold}"
        file = root / f"{fold}.txt"
        file.write_text(content)
        curve = [("loss", fold + step / 100, step, 1.0) for step in range(50)]
        log = {"params": {"of": content}, "metrics": curve, "artifacts": {str(file): "weights"}}
        send(Record("team", key, name, f"fold {fold}", "FINISHED", **log))
    send(Record("team", key, name, status="FINISHED"))
for _ in range(20):
    if Outbox(root / ".goldfold/outbox").waiting():
        catch_up()
outbox = Outbox(root / ".goldfold/outbox")
sys.exit(len(outbox.waiting()) + len(list(outbox.folder.glob("refused/*"))))
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with postgres() as store:
        running = Server(tmp_path_factory.mktemp("team"), store)
        yield running
        running.stop()


def test_eight_clones_write_at_once_to_postgresql(tally, server, tmp_path, monkeypatch):
    """Eight clones write runs, curves and files at once to an MLflow server on PostgreSQL, of one run the same."""
    clones = []
    for number in range(CLONES):
        root = tmp_path / str(number)
        root.mkdir()
        env = {**os.environ, "PYTHONPATH": PATHS, "MLFLOW_TRACKING_URI": server.uri, "DVC_ROOT": str(root)}
        command = [sys.executable, "-c", CLONE, str(root), str(number), str(FOLDS)]
        clones.append(subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stderr=subprocess.PIPE))
    said = all_at_once(clones)
    assert [clone.returncode for clone in clones] == [0] * CLONES, said

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    another = Store(tmp_path / "another")
    runs = another.all_runs("team")
    keys = ["shared", *(f"alone {number}" for number in range(CLONES))]
    folds = [None, *(f"fold {fold}" for fold in range(FOLDS))]
    tags = [(run.data.tags["goldfold.key"], run.data.tags.get("goldfold.fold")) for run in runs]
    tally.count(Counter(tags) == Counter((key, fold) for key in keys for fold in folds), said=str(tags))
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run, (key, fold) in zip(runs, tags, strict=True):
        if fold:
            content = f"{key}, {fold}"
            curve = another.client.get_metric_history(run.info.run_id, "loss")
            values = {(metric.step, metric.value) for metric in curve}
            fetched = another.folder(run.info, "weights") / f"{fold[-1]}.txt"
            as_sent = values == {(step, int(fold[-1]) + step / 100) for step in range(50)}
            tally.count(as_sent and run.data.params == {"of": content} and fetched.read_text() == content, said=content)
