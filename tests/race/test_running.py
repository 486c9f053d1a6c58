"""How a race goes, by a clock that only the configurations advance."""

from types import SimpleNamespace

import pytest

from goldfold.errors import DiskError, InputError
from goldfold.race.budget import BESIDE, FIRST_LATE, LAST_ANSWER, MARGIN, Budget
from goldfold.race.portfolio import Entry
from goldfold.race.running import plan, race


class Clock:
    """A clock that stands still."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class FakeTrack:
    """Configurations of known costs; one takes what `takes` says of it, or its cost, and `raises` what is said of it."""

    def __init__(self, clock, costs, takes=(), raises=(), kept=(), answering=0.0):
        self.clock, self.costs, self.answering = clock, costs, answering
        self.takes, self.raises, self.finished = dict(takes), dict(raises), set(kept)
        self.measured, self.answers, self.logged = [], [], []

    def kept(self, entry):
        return SimpleNamespace(name=entry.name) if entry.name in self.finished else None

    def cost(self, entry):
        self.measured.append(entry.name)
        return self.costs[entry.name]

    def compete(self, entry, cost):
        self.clock.now += self.takes.get(entry.name, cost)
        if entry.name in self.raises:
            raise self.raises[entry.name]
        return SimpleNamespace(name=entry.name)

    def answer(self, members):
        self.answers.append([member.name for member in members])
        self.clock.now += self.answering

    def log(self, entry):
        assert self.answers[-1][-1] == entry.name or entry.name in self.answers[-1]
        self.logged.append(entry.name)


def entries(*names):
    return [Entry(name, {}, f"tries {name}") for name in names]


def run(track, names, seconds, asked=lambda: None):
    budget = Budget(seconds, track.clock.now, track.clock)
    return {outcome.entry.name: outcome for outcome in race(entries(*names), track, budget, asked, lambda _: None)}


def test_configurations_race_in_their_order_with_an_answer_and_a_run_for_each():
    track = FakeTrack(Clock(), {"c": 1.0, "a": 2.0, "b": 3.0})
    outcomes = run(track, "cab", 100)
    assert track.answers == [["c"], ["c", "a"], ["c", "a", "b"]] and track.logged == ["c", "a", "b"]
    assert [outcome.seconds for outcome in outcomes.values()] == [1.0, 2.0, 3.0]


def test_none_is_begun_that_would_not_end_and_cheaper_ones_after_it_are():
    track = FakeTrack(Clock(), {"first": 10.0, "night": 500.0, "second": 5.0})
    outcomes = run(track, ["first", "night", "second"], 60)
    assert {name: outcome.state for name, outcome in outcomes.items()} == {
        "first": "finished",
        "night": "too long",
        "second": "finished",
    }
    assert outcomes["night"].cost == 500.0 and track.clock.now <= 1060


def test_the_budget_counts_what_a_member_takes_beside_its_training_and_the_last_answer():
    clock = Clock()
    budget = Budget(100, 990.0, clock)
    assert budget.spent == 10 and budget.left == 90 + FIRST_LATE
    budget.answered(2.0)
    assert budget.left == 90 - LAST_ANSWER - 6.0
    most = (budget.left - BESIDE) / MARGIN
    assert budget.allows(most) and not budget.allows(most + 0.01) and not budget.allows(most, spent=11)
    clock.now = 1000 + budget.left + 0.1
    assert budget.stop(lambda: None)() == "interrupted"


def test_when_the_budget_is_spent_nothing_more_is_measured_or_begun():
    track = FakeTrack(Clock(), {"a": 1.0, "b": 1.0}, takes={"a": 99.0})
    outcomes = run(track, "ab", 60)
    assert outcomes["b"].state == "not begun" and track.measured == ["a"] and track.answers == [["a"]]


def test_what_fails_is_left_out_with_its_reason_and_the_race_goes_on():
    missing = InputError("there is no module lightgbm", ["here"], "pip install -r requirements-boosting.txt")
    track = FakeTrack(Clock(), dict.fromkeys("abc", 1.0), raises={"a": missing, "b": ZeroDivisionError("by a library")})
    outcomes = run(track, "abc", 60)
    assert outcomes["a"].why == "there is no module lightgbm (pip install -r requirements-boosting.txt)"
    assert outcomes["b"].why == "by a library" and outcomes["b"].state == "left out"
    assert track.answers == [["c"]]


def test_a_full_disk_ends_the_race():
    track = FakeTrack(Clock(), dict.fromkeys("ab", 1.0), raises={"a": DiskError.of(OSError(28, "full", "/tmp/x"))})
    with pytest.raises(DiskError):
        run(track, "ab", 60)


def test_an_interrupted_race_ends_with_what_it_has():
    stopped = []
    track = FakeTrack(Clock(), dict.fromkeys("abc", 1.0), raises={"b": KeyboardInterrupt()})

    def asked():
        stopped.extend(["interrupted"] if len(track.measured) == 2 else [])
        return "interrupted" if stopped and track.clock.now > 1001 else None

    outcomes = run(track, "abc", 60, asked)
    assert [outcome.state for outcome in outcomes.values()] == ["finished", "stopped", "not begun"]
    assert track.answers == [["a"]]


def test_a_race_goes_on_where_it_ended():
    track = FakeTrack(Clock(), dict.fromkeys("abc", 1.0), kept="ac")
    outcomes = run(track, "abc", 60)
    assert track.answers == [["a", "c"], ["a", "b", "c"]] and track.measured == ["b"] and track.logged == ["b"]
    assert [outcome.state for outcome in outcomes.values()] == ["kept", "finished", "kept"]


def test_a_plan_says_what_a_race_of_the_same_costs_does():
    names, costs = ["first", "night", "broken", "second"], {"first": 10.0, "night": 500.0, "second": 5.0}
    track = FakeTrack(Clock(), costs)
    planned = plan(entries(*names), track, Budget(60, 996.0, track.clock))
    states = {outcome.entry.name: (outcome.state, moment) for outcome, moment in planned}
    assert states == {
        "first": ("not begun", 4),
        "night": ("too long", 14),
        "broken": ("left out", 14),
        "second": ("not begun", 14),
    }
    assert not track.answers
    without_end = plan(entries("night"), track, Budget(float("inf"), 1000.0, track.clock))
    assert without_end[0][0].state == "not begun"
