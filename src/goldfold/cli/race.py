"""Race a portfolio of configurations: the best score for the time that there is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from goldfold.cli.arguments import positive
from goldfold.config import Config, parse_config
from goldfold.config.recipe import read_yaml
from goldfold.engines.forks import begin_imports
from goldfold.errors import InputError
from goldfold.race.budget import Budget
from goldfold.race.portfolio import Entry, read_portfolio
from goldfold.runs.paths import PORTFOLIO, RACE, require_competition

if TYPE_CHECKING:
    from goldfold.race.running import Outcome
    from goldfold.race.track import Competitors


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the budget, and the plan."""
    budget = parser.add_mutually_exclusive_group()
    budget.add_argument("--minutes", type=positive, help="how long it may take, preparation and last answer included")
    budget.add_argument("--hours", type=positive, help="the same in hours")
    parser.add_argument("--plan", action="store_true", help="say what it would do and when, and train no fold")


def run(args: argparse.Namespace) -> None:
    """Race the portfolio within a budget, blend its members, and write and log the answer; raises InputError without a budget."""
    seconds = args.minutes * 60 if args.minutes else args.hours * 3600 if args.hours else float("inf")
    if seconds == float("inf") and not args.plan:
        raise InputError("a race needs a budget", mend="goldfold race --minutes 10, or --hours 8; --plan says what it would do")
    budget = Budget(seconds, started())
    tree: dict[str, Any] = read_yaml(Path("params.yaml"))
    config = parse_config(tree)
    require_competition(config)
    if config.competition.modality == "masks":
        raise InputError("a race blends its members, and masks are not blended yet", mend="train one configuration: dvc repro")
    begin_imports(config)
    entries = read_portfolio(PORTFOLIO, tree)
    if len(entries) == 1:
        where = PORTFOLIO / config.competition.modality
        print(f"portfolio   {where} holds nothing: this race has the configuration of params.yaml alone")
    _run(config, entries, budget, args.plan)


def started() -> float:
    """Return when this process began (unix, s): its imports count."""
    return float(psutil.Process().create_time())


def _run(config: Config, entries: Sequence[Entry], budget: Budget, only_plan: bool) -> None:
    # They import torch, while the processes that train do so too.
    from goldfold.race.running import Outcome, plan, race
    from goldfold.race.track import Competitors
    from goldfold.scratch import scratch_folder
    from goldfold.terminal.race import show_begun, show_outcome, show_plan
    from goldfold.training import asked_to_stop
    from goldfold.training.reporter import Notes

    begun, outcomes = partial(show_begun, budget=budget), list[Outcome]()
    with asked_to_stop() as asked:
        with Competitors(config, budget, asked, Notes(print), begun, scratch_folder()) as track:
            if only_plan:
                show_plan(plan(entries, track, budget), budget)
            else:
                outcomes = race(entries, track, budget, asked, partial(show_outcome, budget=budget))
        # Its processes have ended.
        if outcomes:
            _conclude(outcomes, track, budget)
        if asked():
            raise KeyboardInterrupt("the same command goes on with what is kept")


def _conclude(outcomes: Sequence[Outcome], track: Competitors, budget: Budget) -> None:
    """Make the last answer, with its interval; write, log and show it. Raises InputError where nothing can be trained at all."""
    from goldfold.race.answer import won_over_best
    from goldfold.race.running import members_of
    from goldfold.runs.scores import score_by_solution
    from goldfold.terminal.race import show_race
    from goldfold.tracking.results import log_blend

    members, config = members_of(outcomes), track.base
    if all(outcome.state == "left out" for outcome in outcomes):
        told = [f"{outcome.entry.name}: {outcome.why}" for outcome in outcomes]
        raise InputError("no configuration of the race can be trained", told, "correct params.yaml, or the portfolio")
    if not members:
        print("no answer   nothing ended in the time; the same command with more of it goes on")
        return
    answer = track.last_answer(members)
    answer.save(RACE / "answer")
    if answer.blend:
        log_blend(track.prepared, "race", answer.blend, config.split.group, RACE / "answer")
    path = RACE / "answer/submission/submission.csv"
    test = score_by_solution(path, config.competition, track.prepared)
    show_race(outcomes, track.answers, answer, won_over_best(track.prepared, config, answer), path, test, budget)
