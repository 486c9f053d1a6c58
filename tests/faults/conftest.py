"""Faults on purpose: each test tries one many times, and counts how it ended; `make faults` prints the table.

`make test` tries each a few times, in a minute in all; tests with the mark `faults` are left to `make faults`. A further fault
is a test in a module here that asks for `tally`; what it runs in a process to be killed is in faulted.py.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from multiprocessing import get_context

import pytest

HEADS = ("tried", "survived", "told", "lost")
ALL = "FAULTS" in os.environ
FORKED = get_context("forkserver")
# A kill is to hit the work, and not the imports.
FORKED.set_forkserver_preload(["mlflow.store.tracking.sqlalchemy_store", "mlflow.store.model_registry.sqlalchemy_store"])


@dataclass
class Tally:
    """How the tries of a fault ended: as if nothing had been, with a message that says what to do, or with a loss."""

    fault: str
    tried: int = 0
    survived: int = 0
    told: int = 0
    lost: int = 0

    def count(self, survived, told=False, said=""):
        """Count a try; print what was said where something was lost."""
        self.tried += 1
        # As Python's own numbers, which pytest-xdist can send.
        self.told += bool(told)
        self.survived += bool(survived)
        self.lost += not (survived or told)
        if not (survived or told):
            print(said)


@pytest.fixture
def tally(request):
    """Counts the tries of a fault, which the test's docstring names; fails where something was lost."""
    counted = Tally(request.node.function.__doc__.strip().rstrip("."))
    yield counted
    request.node.user_properties.append(("tally", vars(counted)))
    assert counted.tried and not counted.lost, counted


@pytest.fixture
def tries():
    """Return how often to try: few times in `make test`."""
    return lambda few, many: range(many if ALL else few)


@pytest.fixture
def killed_at_random():
    """Run a function in a process of its own, and kill it at a random moment of the first `seconds`; return the exit code."""

    def run(function, *arguments, seconds):
        process = FORKED.Process(target=function, args=arguments)
        process.start()
        time.sleep(random.uniform(0, seconds))
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        return process.exitcode

    return run


@pytest.fixture
def undisturbed():
    """Run a function in a process of its own to its end; return the seconds that it took."""

    def run(function, *arguments):
        process, started = FORKED.Process(target=function, args=arguments), time.monotonic()
        process.start()
        process.join()
        assert process.exitcode == 0
        return time.monotonic() - started

    return run


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("faults") and not ALL:
            item.add_marker(pytest.mark.skip("make faults"))


def pytest_terminal_summary(terminalreporter):
    if ALL:
        reports = [report for kind in ("", "passed", "failed", "error") for report in terminalreporter.stats.get(kind, [])]
        tallies = [*counted(reports), *not_counted(reports)]
        tallies.append(Tally("all", *(sum(getattr(tally, head) for tally in tallies) for head in HEADS)))
        width = max(len(tally.fault) for tally in tallies)
        terminalreporter.write_line(f"\n{'fault':<{width}}" + "".join(f"{head:>10}" for head in HEADS))
        for tally in tallies:
            terminalreporter.write_line(f"{tally.fault:<{width}}" + "".join(f"{getattr(tally, head):>10}" for head in HEADS))


def counted(reports):
    """Return what the tests have counted."""
    return [Tally(**value) for report in reports for name, value in report.user_properties if name == "tally"]


def not_counted(reports):
    """Return a tally for each test that counts nothing itself: each of its cases is told, or lost."""
    tallies = {}
    own = {report.nodeid for report in reports if any(name == "tally" for name, _ in report.user_properties)}
    for report in reports:
        if report.when == "call" and report.nodeid not in own:
            fault = report.nodeid.rpartition("::")[2].partition("[")[0].removeprefix("test_").replace("_", " ")
            tallies.setdefault(fault, Tally(fault)).count(False, told=report.passed)
    return tallies.values()
