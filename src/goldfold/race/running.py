"""How a race goes: configuration after configuration, as long as each ends in time, and an answer after every member."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, Protocol, TypeVar

from goldfold.errors import DiskError
from goldfold.members import Member
from goldfold.race.budget import Budget
from goldfold.race.portfolio import Entry
from goldfold.training.stopping import Stop

Found = TypeVar("Found")
State = Literal["kept", "finished", "stopped", "too long", "not begun", "left out"]


@dataclass(frozen=True)
class Outcome:
    """What became of a configuration, with its measured cost, the seconds that it took, and its member, or why it has none."""

    entry: Entry
    state: State
    cost: float | None = None
    seconds: float = 0.0
    member: Member | None = None
    why: str = ""


class Track(Protocol):
    """What a race does with a configuration; what it raises leaves that out."""

    def kept(self, entry: Entry) -> Member | None:
        """Return the member that an earlier race has finished."""

    def cost(self, entry: Entry) -> float:
        """Return the seconds that it will take."""

    def compete(self, entry: Entry, cost: float) -> Member:
        """Train, validate and predict all folds; raises KeyboardInterrupt where it is stopped."""

    def answer(self, members: Sequence[Member]) -> None:
        """Have the submission of these members stand."""

    def log(self, entry: Entry) -> None:
        """Log a new member as a run."""


def race(entries: Sequence[Entry], track: Track, budget: Budget, asked: Stop, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Race configurations in their order: first those that are kept, then those that end in time, and tell what became of each.

    After every new member the answer of all stands. What fails is left out; a full disk ends the race.
    """
    outcomes: dict[str, Outcome] = {}

    def note(outcome: Outcome) -> None:
        outcomes[outcome.entry.name] = outcome
        tell(outcome)

    def answer() -> None:
        members, began = members_of(in_order()), budget.clock()
        track.answer(members)
        budget.answered(budget.clock() - began)

    def in_order() -> list[Outcome]:
        return [outcomes[entry.name] for entry in entries if entry.name in outcomes]

    for entry in entries:
        if found := _caught(entry, partial(_kept, entry, track)):
            note(found)
    if members_of(in_order()):
        answer()
    for entry in [entry for entry in entries if entry.name not in outcomes]:
        note(_caught(entry, partial(_begun, entry, track, budget, asked)))
        if outcomes[entry.name].member:
            answer()
            track.log(entry)
    return in_order()


def members_of(outcomes: Iterable[Outcome]) -> list[Member]:
    """Return the members that there are."""
    return [outcome.member for outcome in outcomes if outcome.member]


def _caught(entry: Entry, action: Callable[[], Found]) -> Found | Outcome:
    """The outcome of an action; what it raises is why the configuration is left out."""
    try:
        return action()
    except DiskError:
        raise
    # A race of a night does not end by what one library raises.
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        mend = next((line.removeprefix("To mend it: ") for line in lines if line.startswith("To mend it: ")), "")
        return Outcome(entry, "left out", why=f"{lines[0]}{f' ({mend})' if mend else ''}")


def _kept(entry: Entry, track: Track) -> Outcome | None:
    member = track.kept(entry)
    return Outcome(entry, "kept", member=member) if member else None


def _begun(entry: Entry, track: Track, budget: Budget, asked: Stop) -> Outcome:
    """Begin a configuration, if it ends in time."""
    stop = budget.stop(asked)
    if stop():
        return Outcome(entry, "not begun")
    cost = track.cost(entry)
    found = Outcome(entry, "too long", cost)
    if not budget.allows(cost):
        return found
    began = budget.clock()
    try:
        return replace(found, state="finished", member=track.compete(entry, cost), seconds=budget.clock() - began)
    except KeyboardInterrupt:
        return replace(found, state="stopped", seconds=budget.clock() - began)


def plan(entries: Sequence[Entry], track: Track, budget: Budget) -> list[tuple[Outcome, float]]:
    """Return what a race would do with each configuration, and how many seconds after its start; no fold is trained."""
    # Costs that are measured now, the race will know.
    moment, planned = budget.spent, list[tuple[Outcome, float]]()
    for entry in entries:
        found = _caught(entry, partial(_measured, entry, track))
        if found.cost is not None and not budget.allows(found.cost, moment):
            found = replace(found, state="too long")
        planned.append((found, moment))
        if found.cost is not None and found.state == "not begun":
            moment += found.cost
    return planned


def _measured(entry: Entry, track: Track) -> Outcome:
    return _kept(entry, track) or Outcome(entry, "not begun", track.cost(entry))
