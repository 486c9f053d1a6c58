"""An MLflow server that is away, hangs, comes back, or is met by eight clones at once."""

import signal
import time
from collections import Counter

import pytest
from faulted import deliver, finished_fold, one_of_many
from served import Server, all_at_once

from goldfold.errors import InputError
from goldfold.tracking.client import ANSWER_WITHIN, tracking_uri
from goldfold.tracking.delivery import send
from goldfold.tracking.record import Outbox
from goldfold.tracking.store import Store

pytestmark = pytest.mark.faults
SPARE = 5.0
"""What importing MLflow may take on a busy machine, in seconds."""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def clone(tmp_path, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.uri)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path


def runs_at(root, key):
    """How often each run of a key is there, by its fold."""
    store = Store(root)
    found = store.client.search_runs([store.experiment("mine")], f"tags.`goldfold.key` = '{key}'")
    return Counter((run.data.tags.get("goldfold.fold"), run.info.status) for run in found)


WHOLE = {(None, "FINISHED"): 1, ("fold 0", "FINISHED"): 1}


def test_a_server_that_is_away_has_what_it_missed_when_it_is_back(tally, tries, server, clone, capfd):
    """MLflow server killed before, amid and after a record, and started again."""
    for number in tries(1, 3):
        server.send(signal.SIGKILL)
        started = time.monotonic()
        send(finished_fold(f"away {number}"))
        took, said = time.monotonic() - started, capfd.readouterr().err
        waits = len(Outbox(clone / ".goldfold/outbox").waiting())
        server.start()
        send(finished_fold(f"back {number}"))
        survived = waits == 1 and all(runs_at(clone, f"{when} {number}") == WHOLE for when in ("away", "back"))
        tally.count(survived, told=survived and said.count("does not answer") == 1, said=said)
        assert took < ANSWER_WITHIN + SPARE


def test_a_server_that_hangs_is_given_up_soon(tally, tries, server, clone, capfd):
    """MLflow server that takes connections and never answers."""
    for number in tries(1, 3):
        server.send(signal.SIGSTOP)
        started = time.monotonic()
        send(finished_fold(f"hung {number}"))
        took, said = time.monotonic() - started, capfd.readouterr().err
        server.send(signal.SIGCONT)
        send(finished_fold(f"awake {number}"))
        survived = all(runs_at(clone, f"{when} {number}") == WHOLE for when in ("hung", "awake"))
        tally.count(survived, told=survived and said.count("does not answer") == 1, said=said)
        assert took < ANSWER_WITHIN + SPARE


def test_eight_clones_that_meet_there_make_one_run(tally, tries, server, tmp_path):
    """Eight clones with one key at a server, in an experiment that none of them has met."""
    for number in tries(1, 3):
        key = f"eight {number}"
        clones = [one_of_many(tmp_path / str(clone), server.uri, key) for clone in range(8)]
        all_at_once(clones)
        tally.count(all(clone.returncode == 0 for clone in clones) and runs_at(tmp_path, key) == WHOLE)


def test_nothing_of_mlflow_is_printed(tally, server, clone, capfd):
    """Lines of MLflow's own in the output of a run."""
    send(finished_fold("quiet"))
    said = capfd.readouterr()
    tally.count((said.out, said.err) == ("", ""))


def test_a_message_says_what_is_wrong_while_the_server_is_away(tally, server, clone):
    """A command while the MLflow server is away."""
    server.send(signal.SIGKILL)
    try:
        with pytest.raises(InputError, match=f"{tracking_uri(clone)} does not answer"):
            deliver(clone)
    finally:
        server.start()
    tally.count(True, told=True)
