"""Weights of a blend's members that minimise a loss; none is negative, and their sum is 1."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from goldfold.metrics import Array

Loss = Callable[[Array], tuple[float, float]]
"""The loss of weights, (members,): by the metric, and by a finer measure that decides between equals."""
ADDITIONS = 50


def equal(loss: Loss, members: int) -> Array:
    """Return the same weight for each member."""
    return np.full(members, 1 / members)


def hill_climb(loss: Loss, members: int) -> Array:
    """Return the weights of forward selection with replacement (Caruana et al. 2004): keep adding the member that helps most.

    The best set on the way is taken, and a member's weight is its share of it. Sets that a metric of labels cannot tell apart
    are ranked by the finer measure.
    """
    counts, best, least = np.zeros(members), equal(loss, members), (np.inf, np.inf)
    for size in range(1, ADDITIONS + 1):
        losses = [loss((counts + one) / size) for one in np.eye(members)]
        chosen = losses.index(min(losses))
        counts[chosen] += 1
        if losses[chosen] < least:
            best, least = counts / size, losses[chosen]
    return best


def slsqp(loss: Loss, members: int) -> Array:
    """Return the weights by sequential least squares programming (Kraft 1988) from equal weights, for smooth losses."""
    start = equal(loss, members)
    unit = abs(loss(start)[0]) or 1.0
    solution = minimize(
        lambda weights: loss(weights)[0] / unit,
        start,
        method="SLSQP",
        bounds=[(0, 1)] * members,
        constraints={"type": "eq", "fun": lambda weights: weights.sum() - 1},
        options={"ftol": 1e-9},
    )
    weights = np.clip(solution.x, 0, None)
    weights = weights / weights.sum()
    return weights if loss(weights) < loss(start) else start
