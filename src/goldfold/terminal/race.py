"""A race: a line for each configuration, and at the end one screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.terminal.numbers import clock, number
from goldfold.terminal.runs import METHODS
from goldfold.terminal.stages import show_cv, show_submission

if TYPE_CHECKING:
    from goldfold.members import Member
    from goldfold.race.answer import Answer
    from goldfold.race.budget import Budget
    from goldfold.race.portfolio import Entry
    from goldfold.race.running import Outcome
    from goldfold.runs.scores import SolutionScore
    from goldfold.validation.comparison import Comparison


def show_begun(entry: Entry, cost: float, budget: Budget) -> None:
    """Print that a configuration begins, and how long it will take."""
    print(f"begins      {entry.name}: {entry.tries}; about {clock(cost)}, with {_left(budget)} left", flush=True)


def show_outcome(outcome: Outcome, budget: Budget) -> None:
    """Print what became of a configuration."""
    name, member = outcome.entry.name, outcome.member
    if member:
        took = clock(outcome.seconds) if outcome.state == "finished" else "kept of an earlier race"
        print(f"member      {member.name}  {_score(member)}  {took}", flush=True)
    elif outcome.state == "left out":
        print(f"left out    {name}: {outcome.why}", flush=True)
    elif outcome.state == "stopped":
        print(f"stopped     {name} after {clock(outcome.seconds)}: what it has trained is kept for the next race", flush=True)
    elif outcome.cost is not None:
        print(f"too long    {name}: about {clock(outcome.cost)}, with {_left(budget)} left", flush=True)


def show_plan(planned: Sequence[tuple[Outcome, float]], budget: Budget) -> None:
    """Print what a race would do with each configuration, and when."""
    width = max(len(outcome.entry.name) for outcome, _ in planned)
    for outcome, moment in planned:
        entry, cost = outcome.entry, "" if outcome.cost is None else f"about {clock(outcome.cost)}"
        said = {
            "kept": f"kept        {outcome.member.name if outcome.member else ''}",
            "not begun": f"at {clock(moment):<8} {cost}",
            "too long": f"not in time {cost}",
            "left out": f"left out    {outcome.why}",
        }[outcome.state]
        print(f"{entry.name:<{width}}  {said:<24}  {entry.tries if outcome.state != 'left out' else ''}".rstrip())
    if budget.seconds != float("inf"):
        print(f"budget      {clock(budget.seconds)}, its preparation and last answer included")


def show_race(
    outcomes: Sequence[Outcome],
    answers: Sequence[Answer],
    answer: Answer,
    won: Comparison | None,
    path: Path,
    test: SolutionScore | None,
    budget: Budget,
) -> None:
    """Print the members with their weights, the answer's nested score, what it won over the best member, and what comes next."""
    members = [outcome.member for outcome in outcomes if outcome.member]
    width, metric = max(len(member.name) for member in members), answer.cv.scores.metric
    weights = answer.blend.weights if answer.blend else None
    print(f"\nrace        {len(members)} of {len(outcomes)} configurations in {clock(budget.spent)}")
    for member in members:
        weight = f"weight {weights[member.name]:+.3f}  " if weights else ""
        print(f"member      {member.name:<{width}}  {_score(member)}  {weight}{clock(member.source['seconds'])}")
    for outcome in outcomes:
        if outcome.state == "left out":
            print(f"left out    {outcome.entry.name}: {outcome.why}")
    if answer.blend is None:
        print(f"answer      {answer.best.name}: {answer.why}")
    else:
        settings = answer.blend.settings
        print(f"answer      the blend: {METHODS.get(settings.method, settings.method)} on {settings.on}; its score is nested")
    show_cv(answer.cv)
    if won is not None:
        print(
            f"best member {answer.best.name}: {metric} {number(won.scores[0])}, flattered: it is the best of {answer.members} "
            "by the rows that score it"
        )
        print(f"won         {won.difference:+.3g} by the blend ({won.confidence:.0%} interval {won.low:+.3g} to {won.high:+.3g})")
    if len(answers) > 1:
        worth = "  ".join(f"{each.members}: {number(each.cv.scores.score)}" for each in answers)
        print(f"by members  {worth}")
    print(f"next        {_next(outcomes, answers)}")
    show_submission(answer.submission, path, test)


def _score(member: Member) -> str:
    scores = member.cv.scores
    return f"{scores.metric} {number(scores.score)} ({number(scores.low)} to {number(scores.high)})"


def _left(budget: Budget) -> str:
    return clock(max(0.0, budget.left))


def _next(outcomes: Sequence[Outcome], answers: Sequence[Answer]) -> str:
    """What more minutes are likely to bring: what is left to try, and what the last member brought."""
    left = [outcome for outcome in outcomes if outcome.state in ("stopped", "too long", "not begun")]
    if not left:
        return "nothing is left to try: more minutes bring nothing, further files in the portfolio may"
    names = [f"{one.entry.name}{f' (about {clock(one.cost)})' if one.cost is not None else ''}" for one in left]
    brought = ""
    if len(answers) > 1:
        last, before = (each.cv.scores for each in (answers[-1], answers[-2]))
        brought = f"; the last member brought {last.score - before.score:+.2g}, and later ones mostly bring less"
    return f"{', '.join(names)}{brought}"
