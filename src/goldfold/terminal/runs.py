"""What comparisons, blends, submissions, pruning and the leaderboard print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from goldfold.terminal.numbers import clock, number
from goldfold.terminal.plain import PlainConsole
from goldfold.terminal.stages import show_cv, show_submission

if TYPE_CHECKING:
    from goldfold.blending import Blend
    from goldfold.blending.choice import Choice
    from goldfold.competition import Problem
    from goldfold.leaderboard import Agreement, Position, Standing
    from goldfold.metrics import Metric
    from goldfold.runs.scores import SolutionScore
    from goldfold.tracking.prune import Pruning
    from goldfold.tracking.submissions import Sending
    from goldfold.validation.comparison import Comparison

METHODS = {
    "hill": "hill climbing",
    "slsqp": "slsqp",
    "equal": "equal weights",
    "ridge": "ridge regression",
    "nnls": "non-negative least squares",
    "logistic": "logistic regression",
}
ROWS_SHOWN, RUNS_SHOWN, CHANGES_SHOWN = 5, 20, 2
LATER = "`goldfold submit --refresh` fetches its score later, and so does `goldfold leaderboard`"


def show_comparison(comparison: Comparison) -> None:
    """Print a comparison: both scores, their difference, whether it is more than noise, and which rows changed."""
    width = max(len(name) for name in comparison.names)
    for label, name, score in zip(("first", "second"), comparison.names, comparison.scores, strict=True):
        print(f"{label:<11} {name:<{width}}  {comparison.metric} {number(score)}")
    drawn = f"{comparison.groups} groups of " if comparison.groups else ""
    print(
        f"difference  {comparison.difference:+.3g}, second minus first, {'more' if comparison.maximize else 'less'} is better  "
        f"({comparison.confidence:.0%} interval {comparison.low:+.3g} to {comparison.high:+.3g}, "
        f"{comparison.resamples} paired resamples of {drawn}{comparison.rows} rows)"
    )
    print(f"so          {comparison.verdict}")
    folds = comparison.folds
    changes = "  ".join(f"{fold}: {change:+.3g}" for fold, change in zip(folds["fold"], folds["difference"], strict=True))
    gains = folds["difference"] * (1 if comparison.maximize else -1)
    print(f"per fold    {changes}  ({comparison.names[1]} is better in {(gains > 0).sum()}, worse in {(gains < 0).sum()})")
    changed = comparison.changed
    if "turned" not in changed:
        for row in changed.head(ROWS_SHOWN).to_dict("records"):
            print(f"changed     {next(iter(row.values()))}: loss {row['first_loss']:.4g} → {row['second_loss']:.4g}")
        return
    for turned in ("wrong → right", "right → wrong"):
        ids = list(changed.loc[changed["turned"] == turned].iloc[:, 0])
        more = f" … and {len(ids) - ROWS_SHOWN} more" if len(ids) > ROWS_SHOWN else ""
        print(f"rows        {len(ids)} {turned}{': ' if ids else ''}{', '.join(map(str, ids[:ROWS_SHOWN]))}{more}")


def show_blend(blend: Blend, name: str, path: Path, test: SolutionScore | None) -> None:
    """Print a blend: its members with their weights, its nested score and the optimistic one, and its submission."""
    metric, settings = blend.cv.scores.metric, blend.settings
    aim = "" if settings.method == "equal" else f", fitted to {blend.fitted_to}"
    method = METHODS.get(settings.method, f"a stack by {settings.model or 'a linear model'}")
    width = max(len(member) for member in blend.members)
    for member, score in blend.members.items():
        weight = f"  weight {blend.weights[member]:.3f}" if blend.weights else ""
        print(f"member      {member:<{width}}  {metric} {number(score)}{weight}")
    if blend.choice:
        _show_choice(blend.choice, metric)
    print(f"blend       {name}: {method} on {settings.on}{aim}{', weights below zero allowed' if settings.negative else ''}")
    show_cv(blend.cv)
    if settings.method != "equal":
        print(f"optimistic  {metric} {number(blend.optimistic)} on the rows it was fitted to; the CV above is nested")
    show_submission(blend.submission, path, test)
    print(f"MLflow run  {name}")


def _show_choice(choice: Choice, metric: str) -> None:
    for method, score in choice.scores.items():
        print(f"tried       {METHODS[method]:<26}  {metric} {number(score)}")
    interval = f"interval {choice.low:+.3g} to {choice.high:+.3g}"
    print(f"auto        {METHODS[choice.settings.method]}: {choice.difference:+.3g} to {METHODS[choice.second]} ({interval})")


def show_sending(sending: Sending, metric: Metric, cv: float | None) -> None:
    """Print what Kaggle says of a submission."""
    if sending.status == "error":
        print(f"FAILED      Kaggle could not score it: {sending.error or 'it does not say why'}")
    elif sending.status == "pending":
        print(f"not scored  yet; {LATER}")
    for part, score in (("public", sending.public), ("private", sending.private)):
        if score is not None:
            print(f"{part:<11} {metric.name} {number(score)}" + (f"  (CV {number(cv)})" if cv is not None else ""))


def show_pruning(pruning: Pruning, experiment: str, metric: str) -> None:
    """Print which runs keep their checkpoints and why, which lose them, and what that frees."""
    for holder in pruning.holders[:RUNS_SHOWN]:
        score = f"{metric} {number(holder.score)}" if holder.score is not None else f"no {metric}"
        print(f"{'keeps' if holder.keeps else 'loses':<11} {holder.name:<24} {score:<20} {holder.keeps}".rstrip())
    if len(pruning.holders) > RUNS_SHOWN:
        print(f"            … and {len(pruning.holders) - RUNS_SHOWN} more runs")
    if not pruning.losing:
        print(f"nothing     {count_of_runs(len(pruning.holders))} of {experiment} with checkpoints, and all keep them")
        return
    losing = count_of_runs(len(pruning.losing))
    print(f"frees       {pruning.freed / 1e6:.1f} MB, by the checkpoints of {losing} of {experiment}")
    if pruning.shared:
        why = "of these checkpoints are in DVC's cache too, or in runs that keep theirs, and stay on the disk"
        print(f"stays       {pruning.shared / 1e6:.1f} MB {why}")
        print("            dvc gc --all-commits --dry says what DVC's cache would free, dvc gc --all-commits frees it")


def count_of_runs(count: int) -> str:
    """`1 run`, `2 runs`."""
    return "1 run" if count == 1 else f"{count} runs"


def show_leaderboard(runs: Sequence[Standing], positions: Mapping[str, Position], confidence: float) -> None:
    """Print the runs as a table that fits 100 columns; `positions` are those of public scores, by run id."""
    parts = [part for part in runs[0].scores if any(run.scores[part] is not None for run in runs)]
    table = Table(box=None, pad_edge=False)
    table.add_column("run", overflow="fold", min_width=12)
    table.add_column("CV", justify="right", no_wrap=True)
    table.add_column(f"± {confidence:.0%}", no_wrap=True)
    for name in [*parts, *(["place"] if positions else [])]:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("changed", overflow="fold", ratio=1)
    table.add_column("trained", justify="right", no_wrap=True)
    for run in runs:
        scores = ["–" if (score := run.scores[part]) is None else number(score) for part in parts]
        position = positions.get(run.id)
        rank = ([f"{position.rank:,} {position.medal}".strip()] if position else ["–"]) if positions else []
        trained = clock(run.seconds) if run.seconds else "–"
        interval = f"{(run.high - run.low) / 2:.2g}"
        table.add_row(run.name, number(run.cv), interval, *scores, *rank, _changes(run), trained)
    PlainConsole().print(table)


def show_agreement(
    problem: Problem,
    runs: Sequence[Standing],
    agreed: Sequence[Agreement],
    positions: Mapping[str, Position],
    remarks: Sequence[str],
) -> None:
    """Print how CV and leaderboard agree, the best run's rank, and the remarks."""
    better = "more" if problem.scored_by.maximize else "less"
    print(f"\n{count_of_runs(len(runs))}, scored by {problem.scored_by.name} ({better} is better)")
    for agreement in agreed:
        print(f"CV, {agreement.part:<7} {agreement}")
    if positions:
        best = min((run for run in runs if run.id in positions), key=lambda run: positions[run.id].rank)
        print(f"on Kaggle   {best.name}: {positions[best.id]}, by the public leaderboard of now")
    for remark in remarks:
        print(f"note        {remark}")


def _changes(run: Standing) -> str:
    words, change = run.change.words[:CHANGES_SHOWN], run.change
    more = f", {len(change.words) - CHANGES_SHOWN} more" if len(change.words) > CHANGES_SHOWN else ""
    against = f" (against {change.parent})" if change.parent else ""
    return f"{', '.join(words)}{more}{against}"
