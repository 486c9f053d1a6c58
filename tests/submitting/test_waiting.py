"""Waiting with a line of progress."""

import sys
import time

import pytest

from goldfold.kaggle import UnreachableError
from goldfold.submitting.waiting import PATIENCE, wait_for


@pytest.fixture
def pauses(monkeypatch):
    """The pauses in seconds, which take none."""
    seconds = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    return seconds


def looks(*answers):
    """Look by look what is seen; an error is raised."""
    left = list(answers)

    def look():
        seen = left.pop(0)
        if isinstance(seen, Exception):
            raise seen
        return seen

    return look


def test_each_state_is_printed_once_and_pauses_grow_to_half_a_minute(pauses, capsys):
    states = [("queued", None)] * 8 + [("running", None)] * 2
    assert wait_for("kernel", looks(*states, ("", "done"))) == "done"
    assert capsys.readouterr().out == "kernel      queued\nkernel      running\n"
    assert pauses == sorted(pauses) and (pauses[0], pauses[-1]) == (3.0, 30.0)


def test_a_terminal_shows_the_state_as_it_is(pauses, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert wait_for("kernel", looks(("[red]running[/x]", None), ("", 1))) == 1


def test_a_service_that_stays_away_is_given_up_one_that_comes_back_is_not(pauses):
    away = UnreachableError("Kaggle does not answer")
    assert wait_for("kernel", looks(*([away] * PATIENCE), ("queued", None), *([away] * PATIENCE), ("", 1))) == 1
    with pytest.raises(UnreachableError):
        wait_for("kernel", looks(*([away] * (PATIENCE + 1))))
