"""Try features of a table, one at a time on the same folds, and say which hold up."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goldfold.as_json import Answer
from goldfold.competition import read_competition
from goldfold.config import parse_config
from goldfold.config.recipe import read_text, read_yaml, with_appended
from goldfold.errors import InputError
from goldfold.features.candidates import default_candidates, named_candidates
from goldfold.features.trial import KEY, Bench, Trial, bench_of, chosen_of, try_each, try_together, with_entries
from goldfold.files import written_whole
from goldfold.runs.paths import require_competition
from goldfold.scratch import scratch_folder
from goldfold.terminal.features import show_conclusion, show_head, show_trial, told
from goldfold.training import asked_to_stop
from goldfold.training.reporter import Silent

PARAMS = Path("params.yaml")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is tried, and whether what holds up is written."""
    tried = "a kind (target, count, …) or an entry, '{name: count, of: Ticket}'; by default all that suits the columns"
    parser.add_argument("entries", nargs="*", metavar="entry", help=tried)
    parser.add_argument("--write", action="store_true", help=f"write those that hold up into params.yaml, {KEY}")


def run(args: argparse.Namespace) -> Answer:
    """Train the model of params.yaml with each candidate, and print what it gains.

    Raises InputError where there is no table, and where none of the candidates can be made.
    """
    tree: dict[str, Any] = read_yaml(PARAMS)
    config = parse_config(tree)
    require_competition(config)
    if config.competition.modality != "table":
        raise InputError(f"{KEY} are of tables, and this competition is of {config.competition.modality}s")
    competition = read_competition(config.competition, config.prepare)
    with asked_to_stop() as stop:
        bench = bench_of(tree, config, competition, scratch_folder(), Silent(), stop)
        with bench.pool:
            default = default_candidates(bench.prepared)
            candidates = named_candidates(args.entries, default) if args.entries else default
            base, trials = bench.cross_validation(), list[Trial]()
            show_head(base, len(candidates))
            for trial in try_each(bench, base, candidates):
                trials.append(trial)
                show_trial(trial)
            if trials and all(trial.why for trial in trials):
                reasons = [f"{trial.candidate.name}: {trial.why}" for trial in trials]
                raise InputError("none of these can be made", reasons, "correct them; docs/features.md has what each takes")
            held = [trial for trial in trials if trial.holds_up]
            together = try_together(bench, base, held) if len(held) > 1 else None
    chosen = chosen_of(trials, together)
    by_chance = sum(not trial.why for trial in trials) * (1 - config.validate_.confidence) / 2
    show_conclusion(trials, together, chosen, by_chance)
    if args.write and chosen:
        _write(bench, chosen)
    return {
        "metric": base.scores.metric,
        "maximize": bench.prepared.problem.scored_by.maximize,
        "score": base.scores.score,
        "confidence": config.validate_.confidence,
        "rows": base.scores.rows,
        "tried": [_as_json(trial) for trial in trials],
        "together": together and _as_json(together),
        "chosen": [trial.candidate.name for trial in chosen],
        "by_chance": by_chance,
        "written": bool(args.write and chosen),
    }


def _write(bench: Bench, chosen: Sequence[Trial]) -> None:
    """Add the entries to params.yaml, each with what it gained."""
    metric = bench.prepared.problem.scored_by.name
    reasons = {str(entry): f"{metric} {told(trial)}" for trial in chosen for entry in trial.candidate.entries[-1:]}
    before = with_entries(bench.tree, ())
    entries = with_entries(bench.tree, [entry for trial in chosen for entry in trial.candidate.entries])[len(before) :]
    text = with_appended(read_text(PARAMS), KEY, [(entry, reasons.get(str(entry), "")) for entry in entries])
    with written_whole(PARAMS) as draft:
        draft.write_text(text, encoding="utf-8")
    print(f"written     {PARAMS}, {KEY}: {len(entries)} more; `dvc repro` trains with them")


def _as_json(trial: Trial) -> dict[str, Any]:
    return {
        "name": trial.candidate.name,
        "entries": trial.candidate.entries,
        "score": trial.score,
        "gain": trial.gain,
        "low": trial.low,
        "high": trial.high,
        "holds_up": trial.holds_up,
        "why": trial.why or None,
    }
