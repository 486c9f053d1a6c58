"""A search: a line for each trial, and the best of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from goldfold.terminal.numbers import clock, number
from goldfold.terminal.runs import show_comparison
from goldfold.terminal.stages import show_cv

if TYPE_CHECKING:
    from goldfold.sweep import Search, TrialResult
    from goldfold.validation import CVResult
    from goldfold.validation.comparison import Comparison


class TrialLines:
    """Prints a line for each trial of a search, scored by `metric`."""

    def __init__(self, metric: str, search: Search) -> None:
        self.metric = metric
        done = len(search.results())
        if done:
            best = search.best()
            print(f"going on    {done - 1} trials done, best {metric} {number(best.score or 0)} by {best.name}")

    def started(self, name: str, values: Mapping[str, Any]) -> None: ...

    def ended(self, result: TrialResult, best: bool) -> None:
        score = "" if result.score is None else f"{self.metric} {number(result.score)}{'  best' if best else ''}"
        how = {"complete": score, "pruned": f"pruned in {result.why}", "failed": f"failed: {result.why}", "stopped": "stopped"}
        print(f"{result.name:<11} {how[result.state]:<29}  {_values(result.values)}  {clock(result.seconds)}", flush=True)


def show_search(
    results: Sequence[TrialResult], best: TrialResult, cv: CVResult, comparison: Comparison | None, seconds: float
) -> None:
    """Print how many trials there were, which was the best, how it compares with the default, and its cross-validation."""
    counts = Counter(result.state for result in results[1:])
    states = ", ".join(f"{count} {state}" for state, count in counts.items())
    print(f"\ntried       {len(results) - 1} trials: {states}, {clock(seconds)}")
    if comparison is None:
        print("best        none is better than the default")
    else:
        print(f"best        {best.name}: {_values(best.values)}")
        show_comparison(comparison)
    show_cv(cv)
    if comparison is not None:
        chosen = f"the best of {len(results) - 1} trials was chosen on the rows that score it"
        print(f"optimistic  {chosen}: expect less of it on new rows")


def _values(values: Mapping[str, Any]) -> str:
    """Return values by the last part of their key, or by the whole key where two have the same last part."""
    last = Counter(key.rpartition(".")[2] for key in values)
    names = {key: short if last[short := key.rpartition(".")[2]] == 1 else key for key in values}
    return "  ".join(f"{names[key]} {f'{value:.3g}' if isinstance(value, float) else value}" for key, value in values.items())
