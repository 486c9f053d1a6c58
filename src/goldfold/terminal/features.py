"""What `goldfold features` prints: a line for each candidate, and what holds up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from goldfold.terminal.numbers import number

if TYPE_CHECKING:
    from goldfold.features.trial import Trial
    from goldfold.validation import CVResult


def show_head(base: CVResult, trials: int) -> None:
    """Print what the candidates are compared with."""
    scores = base.scores
    print(f"without     {scores.metric} {number(scores.score)} ({number(scores.low)} to {number(scores.high)})")
    print(
        f"candidates  {trials}, each alone on the same folds; a gain above 0 is better, with its {scores.confidence:.0%} interval"
    )


def show_trial(trial: Trial) -> None:
    """Print what a candidate gained."""
    if trial.why:
        print(f"left out    {trial.candidate.name}: {trial.why}", flush=True)
        return
    verdict = "holds up" if trial.holds_up else "worse" if trial.high < 0 else "noise"
    print(f"{verdict:<11} {trial.candidate.name}: {told(trial)}", flush=True)


def show_conclusion(trials: Sequence[Trial], together: Trial | None, chosen: Sequence[Trial], by_chance: float) -> None:
    """Print what holds up, all of it together, and how much of that may be chance."""
    tried = sum(not trial.why for trial in trials)
    held = sum(trial.holds_up for trial in trials)
    if together:
        show_trial(together)
    print(f"\nhold up     {held} of {tried}; of so many, about {by_chance:.1f} would by chance alone")
    if held:
        print("optimistic  they were chosen by the rows that score them: expect less of them on new rows")
    if held > len(chosen):
        print(f"chosen      {chosen[0].candidate.name} alone: all together are no better")


def told(trial: Trial) -> str:
    """Return the score and the gain of a trial."""
    return f"{number(trial.score)}, gain {trial.gain:+.3g} ({trial.low:+.3g} to {trial.high:+.3g})"
