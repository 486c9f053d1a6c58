"""Weights of a blend's members, at least 0 each and 1 together, that make a loss of them least."""

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from goldfold.metrics import Array

Loss = Callable[[Array], tuple[float, float]]
"""What weights, (members,), cost: by the metric, and by a finer measure that decides between equals."""
ADDITIONS = 50


def equal(loss: Loss, members: int) -> Array:
    """The same weight for each member."""
    return np.full(members, 1 / members)


def hill_climb(loss: Loss, members: int) -> Array:
    """Forward selection with replacement (Caruana et al. 2004): add the member that helps most, again and again.

    Of the sets on the way the best is taken, and a member's weight is its share of it. A metric of labels sees many sets as
    equals, of which the finer measure takes the better.
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
    """Sequential least squares programming (Kraft 1988) from equal weights; for a metric that changes smoothly."""
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
