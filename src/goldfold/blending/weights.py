"""Weights of a blend's members that minimise a loss; their sum is 1, and none is below zero unless that is allowed."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from goldfold.metrics import Array

Loss = Callable[[Array], float]
"""The loss of a weighted sum of values, (n, …)."""
ADDITIONS = 50
PATIENCE = 5
"""Additions in a row that win nothing, after which the climb ends."""
SHORTLIST = 8


class Losses(NamedTuple):
    """What a climb goes by: the loss by the metric, a finer measure that decides between equals, and the rows for a first look.

    `glance` is the metric's loss of the rows `some` alone, (m,), where there are too many to try each member on all.
    """

    by_metric: Loss
    by_row: Loss
    some: Array | None = None
    glance: Loss | None = None


def hill_climb(losses: Losses, values: Array, negative: bool = False) -> Array:
    """Return the weights of forward selection with replacement (Caruana et al. 2004): keep adding the member that helps most.

    `values` is (members, n, …). The best set on the way is taken, and a member's weight is its share of it. Sets that a metric
    of labels cannot tell apart are ranked by the finer measure. With `negative` members are also taken away, below zero. Where
    there is a first look, the members that it ranks first are tried on all rows.
    """
    members = len(values)
    counts, total = np.zeros(members), np.zeros(values.shape[1:])
    best, least, won = np.full(members, 1 / members), (np.inf, np.inf), 0
    some = None if losses.some is None else values[:, losses.some]
    for step in range(ADDITIONS):
        size = counts.sum()
        moves = [(member, 1) for member in range(members)]
        moves += [(member, -1) for member in range(members)] if negative and size > 1 else []
        if losses.glance is not None and some is not None and len(moves) > SHORTLIST:
            seen = total[losses.some]
            glances = [losses.glance((seen + sign * some[member]) / (size + sign)) for member, sign in moves]
            moves = [moves[position] for position in np.argsort(glances, kind="stable")[:SHORTLIST]]
        tried = [losses.by_metric((total + sign * values[member]) / (size + sign)) for member, sign in moves]
        equal_moves = [move for move, loss in zip(moves, tried, strict=True) if loss == min(tried)] or moves
        finer = [losses.by_row((total + sign * values[member]) / (size + sign)) for member, sign in equal_moves]
        member, sign = equal_moves[int(np.argmin(finer))]
        counts[member] += sign
        total = total + sign * values[member]
        if (min(tried), min(finer)) < least:
            best, least, won = counts / counts.sum(), (min(tried), min(finer)), step
        elif step - won >= PATIENCE:
            break
    return best


def slsqp(loss: Loss, values: Array, negative: bool = False) -> Array:
    """Return the weights by sequential least squares programming (Kraft 1988) from equal weights, for smooth losses."""
    members = len(values)
    start = np.full(members, 1 / members)

    def of_weights(weights: Array) -> float:
        return loss(np.tensordot(weights, values, axes=1))

    unit = abs(of_weights(start)) or 1.0
    solution = minimize(
        lambda weights: of_weights(weights) / unit,
        start,
        method="SLSQP",
        bounds=[(-1 if negative else 0, 1)] * members,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-9},
    )
    weights = solution.x if negative else np.clip(solution.x, 0, None)
    weights = weights / weights.sum()
    return weights if of_weights(weights) < of_weights(start) else start
