"""What the stages decided and what came out of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Column, Table

from goldfold.competition import Decision
from goldfold.terminal.numbers import number
from goldfold.terminal.plain import PlainConsole

if TYPE_CHECKING:
    import pandas as pd

    from goldfold.audit import Audit
    from goldfold.competition import Problem
    from goldfold.prediction import Submission
    from goldfold.runs.scores import SolutionScore
    from goldfold.training.layers import Layer
    from goldfold.validation import CVResult

NARROW = 60
SHOWN = 10


def show_prepared(summary: dict[str, Any]) -> None:
    """Print what was worked out and decided, and what the folds hold."""
    console = PlainConsole()
    rows = summary["rows"]
    title = f"{summary['problem']['name']}: {rows['train']} training rows, {rows['test']} test rows, {summary['inputs']}"
    console.print(title, soft_wrap=True)
    show_decisions([Decision(**decision) for decision in summary["decided"]])
    kind, content = next(iter(summary["content"].items()))
    fits = len(" ".join(content)) <= NARROW
    folds = Table("fold", "rows", *(content if fits else (f"fewest of {len(content)} {kind}", "most")), box=None)
    for fold, held in summary["folds"].items():
        values = held[kind].values() if fits else (min(held[kind].values()), max(held[kind].values()))
        texts = (f"{value:.4g}" if isinstance(value, float) else str(value) for value in values)
        folds.add_row({"-1": "never", "-2": "left out"}.get(fold, fold), str(held["rows"]), *texts)
    console.print(folds)
    blank = summary["blank"]
    for line in blank[:SHOWN]:
        console.print(f"left blank: {line}")
    if len(blank) > SHOWN:
        console.print(f"left blank: … and {len(blank) - SHOWN} more")


def show_decisions(decisions: Iterable[Decision]) -> None:
    """Print a line for each decision: the setting, what was chosen, and why."""
    table = Table("decided", "", "why", box=None)
    for decision in decisions:
        table.add_row(decision.setting, decision.value, decision.why)
    PlainConsole().print(table)


def show_audit(audit: Audit | None) -> None:
    """Print a line for each finding of the audit, the serious ones marked, and where its page is."""
    if audit is None:
        return
    console = PlainConsole()
    for finding in audit.findings:
        mark = "! " if finding.serious else ""
        console.print(f"audit: {mark}{finding.about}: {finding.message}", soft_wrap=True)
    where = "with pictures in" if audit.findings else "nothing found, page at"
    console.print(f"audit: {where} {audit.page}", soft_wrap=True)


def show_cv(result: CVResult) -> None:
    """Print the cross-validation score with its uncertainty, and per fold."""
    scores = result.scores
    drawn = f" in {scores.groups} groups" if scores.groups else ""
    print(
        f"CV          {scores.metric} {number(scores.score)}  ({scores.confidence:.0%} interval {number(scores.low)} to "
        f"{number(scores.high)}, {scores.rows} out-of-fold rows{drawn})"
    )
    if scores.score == float(result.problem.scored_by.maximize):
        print(
            "perfect     real problems hardly give that: look for a column that holds the answer, or the same rows in two folds"
        )
    if scores.raw is not None:
        remark = "" if not result.problem.scored_by.better(scores.raw, scores.score) else "; worse than without: leave it out"
        print(f"postprocess {result.postprocess}: {scores.metric} {number(scores.raw)} → {number(scores.score)}, nested{remark}")
    if scores.plain is not None:
        remark = f"{scores.metric} {number(scores.plain)} → {number(scores.score)}"
        print(f"averaged    {remark} over checkpoints and changed rows")
    print(f"per fold    {'  '.join(f'{fold}: {number(score)}' for fold, score in scores.folds.items())}", end="")
    print(f"  (mean {number(scores.mean)} ± {scores.deviation:.2g})" if len(scores.folds) > 1 else "", flush=True)


def show_result(
    result: CVResult,
    submission: Submission,
    path: Path,
    report: Path,
    run: str,
    test: SolutionScore | None,
    cut: Sequence[str],
    refits: int = 0,
) -> None:
    """Print the card that a pipeline run ends with: `test` is its score by test labels, `cut` the trainings that ended early.

    `refits` is the number of models on all rows among those that predicted the test rows.
    """
    print()
    show_cv(result)
    if refits:
        models = "1 model on all rows predicts" if refits == 1 else f"{refits} models on all rows predict"
        print(f"refit       {models} the test rows too; nothing validates that, and the CV is of the folds alone")
    show_submission(submission, path, test)
    if cut:
        print(f"CUT SHORT   {', '.join(cut)} by train.max_hours; `goldfold resume` continues them")
    print(f"report      {report}: one file, for any browser")
    print(f"MLflow run  {run}")
    print("see it      make ui   (or, with the environment activated: goldfold ui)")
    sys.stdout.flush()


def show_submission(submission: Submission, path: Path, test: SolutionScore | None) -> None:
    """Print where a submission lies, whether it is whole, and its score by test labels."""
    print(f"submission  {path}: {len(submission.sample)} rows, passed the contract of the sample submission")
    if not submission.is_whole:
        print(f"NOT TO SEND {len(submission.predictions)} rows were predicted (prepare.rows); the others are the sample's")
    if test is None:
        return
    if test.score is None:
        print(f"test score  none: {test.error} (competition.solution)")
    else:
        print(f"test score  {submission.problem.scored_by.name} {number(test.score)} against {test.source}")


def show_layers(layers: Sequence[Layer]) -> None:
    """Print a line for each layer of a network, and the sums of their parameters."""
    numbers = [Column(name, justify="right") for name in ("trainable", "frozen")]
    table = Table(Column("layer", overflow="fold"), "", "output of a row", *numbers, box=None)
    for layer in layers:
        counts = [f"{count:,}" if count else "" for count in (layer.trainable, layer.frozen)]
        table.add_row(layer.path, layer.kind, " x ".join(map(str, layer.shape)), *counts)
    PlainConsole().print(table)
    trainable, frozen = sum(layer.trainable for layer in layers), sum(layer.frozen for layer in layers)
    print(f"{trainable + frozen:,} parameters in {len(layers)} layers: {trainable:,} trainable, {frozen:,} frozen")


def show_answers(problem: Problem, names: Iterable[str], answers: pd.DataFrame, top: int) -> None:
    """Print the `top` most probable classes, the labels' probabilities, or the values, of each row (see Ensemble.answers)."""
    outputs = [column.partition("_")[2] for column in problem.outputs]
    for name, row in zip(names, answers[list(problem.outputs)].to_numpy().tolist(), strict=True):
        if problem.task == "regression":
            texts = [f"{output} {number(value)}" for output, value in zip(outputs, row, strict=True)]
        else:
            values = [1 - row[0], row[0]] if problem.task == "binary" else row
            ranked = sorted(zip(problem.classes or outputs, values, strict=True), key=lambda pair: -pair[1])
            texts = [f"{label} {value:.4f}" for label, value in ranked[:top]]
        print(f"{name}  {'  '.join(texts)}")
