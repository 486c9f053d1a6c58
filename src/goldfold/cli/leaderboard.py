"""Show all runs with their CV, their leaderboard scores and their settings."""

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from goldfold.as_json import Answer
from goldfold.competition import Problem
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.kaggle import facts, leaderboard, submissions
from goldfold.leaderboard import ORDERS, Position, Standing, agreements, position, ranked, standings
from goldfold.leaderboard.kaggle_scores import refresh
from goldfold.leaderboard.page import build_page, plot
from goldfold.leaderboard.results import write_results
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import LEADERBOARD, PREPARED, RESULTS
from goldfold.runs.run import Run, all_runs
from goldfold.scratch import repository
from goldfold.terminal.runs import show_agreement, show_leaderboard
from goldfold.tracking.client import tracking_uri
from goldfold.tracking.results import log_leaderboard
from goldfold.tracking.submissions import sendings, sent_on


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the order, and whether to ask Kaggle."""
    parser.add_argument("--by", choices=ORDERS, default="cv", help="what to sort by; cv by default")
    parser.add_argument("--offline", action="store_true", help="do not ask Kaggle; show the scores last seen")


def run(args: argparse.Namespace) -> Answer:
    """Print all runs, sorted, with new scores from Kaggle if it answers, and write and log the page."""
    config, problem = load_config(), PreparedSet.load(PREPARED).problem
    metric, slug = problem.scored_by, config.competition.kaggle
    runs, teams, remarks = all_runs(problem.name), list[float](), list[str]()
    if slug is not None and args.offline:
        remarks = [_offline_remark(runs, "--offline")]
    elif slug is not None:
        try:
            runs, teams, remarks = _ask_kaggle(slug, problem, runs)
        except InputError as error:
            remarks = [_offline_remark(runs, str(error).splitlines()[0])]
    scored, left_out = standings(runs, metric, problem.metric_args)
    if not scored:
        raise InputError(
            f"no run of {problem.name} in {tracking_uri(repository())} was scored by {metric.name}",
            mend="run `dvc repro`; if that is up to date, its runs are in another store: name it in MLFLOW_TRACKING_URI, or "
            "track the result again by `dvc repro --force`",
        )
    rows, agreed = ranked(scored, args.by, metric.maximize), agreements(scored)
    positions = _positions(rows, teams, metric.maximize)
    pending = sum(any(sent.status == "pending" for sent in row.sent) for row in rows)
    remarks += [f"not scored yet: {pending}"] * bool(pending)
    remarks += [f"left out: {left_out}"] * bool(left_out)
    show_leaderboard(rows, positions, config.validate_.confidence)
    show_agreement(problem, rows, agreed, positions, remarks)
    page = build_page(problem, rows, agreed, positions, config.validate_.confidence, remarks)
    with written_whole(LEADERBOARD) as draft:
        draft.write_text(page, encoding="utf-8")
    print(f"page        {LEADERBOARD}: one file, for any browser")
    write_results(scored, metric.name, RESULTS)
    print(f"table       {RESULTS}: a line per run")
    with tempfile.TemporaryDirectory() as folder:
        plots = {agreement.part: Path(folder) / f"cv_and_{agreement.part}.svg" for agreement in agreed}
        for part, path in plots.items():
            plot(problem, rows, part, path)
        values = {f"spearman_{agreement.part}": agreement.spearman for agreement in agreed if agreement.spearman is not None}
        note = "; ".join(f"CV and {agreement.part}: {agreement}" for agreement in agreed) or f"{len(rows)} runs"
        print(f"MLflow run  {log_leaderboard(problem.name, note, values, [LEADERBOARD, *plots.values()])}")
    return {"metric": metric.name, "maximize": metric.maximize, "page": LEADERBOARD, "runs": [row.to_json() for row in rows]}


def _ask_kaggle(slug: str, problem: Problem, runs: list[Run]) -> tuple[list[Run], list[float], list[str]]:
    """Return the runs with their new scores, the teams' scores, and remarks on today's submissions and on medals."""
    rules, entries = facts(slug), submissions(slug)
    if refresh(runs, entries, problem.scored_by.name):
        runs = all_runs(problem.name)
    teams = [team.score for team in leaderboard(slug) if team.rank > 0]
    today = sent_on(datetime.now(UTC), (entry.date.replace(tzinfo=UTC) for entry in entries if entry.status != "error"))
    limit = f" of {rules.daily_limit}" if rules.daily_limit else ""
    remarks = [f"{today}{limit} submissions were sent to {slug} today (UTC)"]
    if not rules.gives_medals:
        remarks.append("medals are what Kaggle's rules would give among so many teams; this competition awards none")
    return runs, teams, remarks


def _offline_remark(runs: Sequence[Run], reason: str) -> str:
    """Return why Kaggle was not asked, and how many submissions the runs record for today."""
    sent = [sending for run in runs for sending in sendings(run.tags)]
    remark = f"Kaggle was not asked ({reason}): scores are those last seen"
    if not sent:
        return remark
    limit = max(sent, key=lambda sending: sending.sent).limit
    today = sent_on(datetime.now(UTC), (sending.sent for sending in sent))
    return f"{remark}, and {today}{f' of {limit}' if limit else ''} submissions were sent from here today (UTC)"


def _positions(rows: Sequence[Standing], teams: Sequence[float], maximize: bool) -> dict[str, Position]:
    """Return the positions of the public scores from Kaggle, by run id."""
    scores = {row.id: [sent.public for sent in row.sent if sent.public is not None] for row in rows}
    return {run: position(public[-1], teams, maximize) for run, public in scores.items() if public and teams}
