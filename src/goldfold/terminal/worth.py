"""What `goldfold worth` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from goldfold.terminal.numbers import number

if TYPE_CHECKING:
    from goldfold.blending.worth import Worth
    from goldfold.competition import Problem

HEAD = f"{'alone':>9}  {'weight':>7} {'± folds':>7}  {'alike':>6}  {'worth':>9}  interval"


def show_worths_head(problem: Problem, names: Sequence[str]) -> None:
    """Print what the columns are."""
    better = "more" if problem.scored_by.maximize else "less"
    print(f"worth       in {problem.scored_by.name} ({better} is better): what the nested score gains by the member")
    print(f"{'member':<{_width(names)}}  {HEAD}")


def show_worth(worth: Worth, names: Sequence[str]) -> None:
    """Print the line of a member."""
    weights = "      –       –" if worth.weight is None else f"{worth.weight:>7.3f} {worth.spread:>7.3f}"
    interval = f"{worth.low:+.3g} to {worth.high:+.3g}"
    advice = "" if worth.is_more_than_noise and worth.gain > 0 else "  can go" if worth.gain <= 0 else "  noise"
    print(
        f"{worth.name:<{_width(names)}}  {number(worth.score):>9}  {weights}  {worth.correlation:>6.3f}  {worth.gain:>+9.3g}  "
        f"{interval}{advice}",
        flush=True,
    )


def show_untried(files: Mapping[str, str]) -> None:
    """Print which models of the portfolio no member has."""
    for model, file in files.items():
        print(f"missing     no member is of the model {model}: goldfold race tries it ({file})")


def _width(names: Sequence[str]) -> int:
    return max(len(name) for name in (*names, "member"))
