"""`goldfold leaderboard`: every run beside the others, and on Kaggle."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import LEADERBOARD, PREPARED

if TYPE_CHECKING:
    from goldfold.competition import Problem
    from goldfold.leaderboard import Agreement, Order, Position, Standing
    from goldfold.tracking.results import TrackedResult

SHOWN = 2


def show_leaderboard(by: "Order", offline: bool) -> None:
    """Print all runs in an order, fetch their scores from Kaggle where it can be asked, and write and log the page."""
    from goldfold.config import load_config
    from goldfold.files import written_whole
    from goldfold.leaderboard import agreements, ranked, standings
    from goldfold.leaderboard.page import build_page, plot
    from goldfold.prepare import PreparedSet
    from goldfold.scratch import repository
    from goldfold.tracking.results import TrackedResult, log_leaderboard
    from goldfold.tracking.store import tracking_uri

    config, problem = load_config(), PreparedSet.load(PREPARED).problem
    metric, slug = problem.scored_by, config.competition.kaggle
    results, teams, remarks = TrackedResult.all_of(problem.name), list[float](), list[str]()
    if slug is not None and offline:
        remarks = [_remembered(results, "--offline")]
    elif slug is not None:
        try:
            results, teams, remarks = _asked(slug, problem, results)
        except InputError as error:
            remarks = [_remembered(results, str(error).splitlines()[0])]
    found, left_out = standings(results, metric, problem.metric_args)
    if not found:
        raise InputError(
            f"no run of {problem.name} in {tracking_uri(repository())} was scored by {metric.name}",
            mend="run `dvc repro`; where it is up to date, its runs went to another store: name that in MLFLOW_TRACKING_URI, or "
            "track the result again by `dvc repro --force`",
        )
    runs, agreed = ranked(found, by, metric.maximize), agreements(found)
    positions = _positions(runs, teams, metric.maximize)
    remarks += [f"not scored yet: {sum(map(_is_pending, found))}"] * any(map(_is_pending, found))
    remarks += [f"left out: {left_out}"] * bool(left_out)
    show_runs(runs, positions, config.validate_.confidence)
    show_agreement(problem, runs, agreed, positions, remarks)
    page = build_page(problem, runs, agreed, positions, config.validate_.confidence, remarks)
    with written_whole(LEADERBOARD) as draft:
        draft.write_text(page, encoding="utf-8")
    print(f"page        {LEADERBOARD}: one file, for any browser")
    with tempfile.TemporaryDirectory() as folder:
        plots = {each.part: Path(folder) / f"cv_and_{each.part}.svg" for each in agreed}
        for part, path in plots.items():
            plot(problem, runs, part, path)
        values = {f"spearman_{each.part}": each.spearman for each in agreed if each.spearman is not None}
        told = "; ".join(f"CV and {each.part}: {each}" for each in agreed) or f"{len(runs)} runs"
        print(f"MLflow run  {log_leaderboard(problem.name, told, values, [LEADERBOARD, *plots.values()])}")


def show_runs(runs: "Sequence[Standing]", positions: "dict[str, Position]", confidence: float) -> None:
    """Print the runs as a table that fits 100 columns."""
    from rich.console import Console
    from rich.table import Table

    from goldfold.leaderboard.standings import PARTS
    from goldfold.terminal import clock, number

    parts = [part for part in PARTS if any(each.scores[part] is not None for each in runs)]
    table = Table(box=None, pad_edge=False)
    table.add_column("run", overflow="fold", min_width=12)
    table.add_column("CV", justify="right", no_wrap=True)
    table.add_column(f"± {confidence:.0%}", no_wrap=True)
    for name in [*parts, *(["place"] if positions else [])]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("changed", overflow="fold", ratio=1)
    table.add_column("trained", justify="right", no_wrap=True)
    for each in runs:
        scores = [_told(each.scores[part]) for part in parts]
        place = positions.get(each.id)
        places = ([f"{place.place:,} {place.medal}".strip()] if place else ["–"]) if positions else []
        trained = clock(each.seconds) if each.seconds else "–"
        interval = f"{(each.high - each.low) / 2:.2g}"
        table.add_row(each.name, number(each.cv), interval, *scores, *places, _changed(each), trained)
    Console().print(table, highlight=False, markup=False)


def show_agreement(
    problem: "Problem",
    runs: "Sequence[Standing]",
    agreed: "Sequence[Agreement]",
    positions: "dict[str, Position]",
    remarks: Sequence[str],
) -> None:
    """Print how CV and leaderboard agree, where the best run stands, and what there is to remark."""
    better = "more" if problem.scored_by.maximize else "less"
    print(f"\n{len(runs)} run{'s' * (len(runs) > 1)}, scored by {problem.scored_by.name} ({better} is better)")
    for each in agreed:
        print(f"CV, {each.part:<7} {each}")
    if positions:
        best = min((run for run in runs if run.id in positions), key=lambda run: positions[run.id].place)
        print(f"on Kaggle   {best.name}: {positions[best.id]}, by the public leaderboard of now")
    for remark in remarks:
        print(f"note        {remark}")


def _asked(slug: str, problem: "Problem", results: "list[TrackedResult]") -> "tuple[list[TrackedResult], list[float], list[str]]":
    """The runs with what Kaggle says of their submissions now, the teams' scores, and what to remark of the day and of medals."""
    from goldfold.kaggle import facts, leaderboard, submissions
    from goldfold.leaderboard.refresh import refresh
    from goldfold.tracking.results import TrackedResult
    from goldfold.tracking.submissions import sent_on

    rules, entries = facts(slug), submissions(slug)
    if refresh(results, entries, problem.scored_by.name):
        results = TrackedResult.all_of(problem.name)
    teams = [place.score for place in leaderboard(slug) if place.rank > 0]
    today = sent_on(datetime.now(UTC), (entry.date.replace(tzinfo=UTC) for entry in entries if entry.status != "error"))
    limit = f" of {rules.daily_limit}" if rules.daily_limit else ""
    remarks = [f"{today}{limit} submissions were sent to {slug} today (UTC)"]
    if not rules.gives_medals:
        remarks.append("medals are by Kaggle's rules for so many teams; this competition gives none")
    return results, teams, remarks


def _remembered(results: "Sequence[TrackedResult]", why: str) -> str:
    """What to remark where Kaggle was not asked: why, and what the runs remember of the day."""
    from goldfold.tracking.submissions import sendings, sent_on

    sent = [sending for each in results for sending in sendings(each.tags)]
    told = f"Kaggle was not asked ({why}): scores are those last seen"
    if not sent:
        return told
    limit = max(sent, key=lambda sending: sending.sent).limit
    today = sent_on(datetime.now(UTC), (sending.sent for sending in sent))
    return f"{told}, and {today}{f' of {limit}' if limit else ''} submissions were sent from here today (UTC)"


def _positions(runs: "Sequence[Standing]", teams: Sequence[float], maximize: bool) -> "dict[str, Position]":
    """The places of the public scores that Kaggle gave, by the run's id."""
    from goldfold.leaderboard import position

    scored = {each.id: [sent.public for sent in each.sent if sent.public is not None] for each in runs}
    return {run: position(scores[-1], teams, maximize) for run, scores in scored.items() if scores and teams}


def _is_pending(run: "Standing") -> bool:
    return any(sent.status == "pending" for sent in run.sent)


def _told(score: float | None) -> str:
    from goldfold.terminal import number

    return "–" if score is None else number(score)


def _changed(run: "Standing") -> str:
    words, change = run.change.words[:SHOWN], run.change
    more = f", {len(change.words) - SHOWN} more" if len(change.words) > SHOWN else ""
    against = f" (against {change.parent})" if change.parent else ""
    return f"{', '.join(words)}{more}{against}"
