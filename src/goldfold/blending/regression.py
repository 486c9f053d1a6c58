"""Weights of members by regression on the truth, least squares or logistic, shrunk towards the plain average.

A member has one weight for all outputs, and each output an intercept. All that a fit needs of the rows are the moments of each
fold, so the penalty is chosen by leaving out one fold after another without another look at them.
"""

from collections.abc import Iterable
from functools import reduce
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls
from scipy.special import expit, logsumexp, softmax
from threadpoolctl import threadpool_limits

from goldfold.metrics import Array

Link = Literal["identity", "sigmoid", "softmax"]
PENALTIES = tuple(10.0**power for power in range(-7, 2))
"""How strongly weights are drawn to the average, in terms of the mean curvature of the loss."""
FIRST_PENALTY = 1e-3
CELLS = 2**18
"""Values that are looked at together: few enough to stay in a processor's own memory."""
STEPS = 30
NEAR, CLOSE = 1e-2, 1e-4
"""How small a step of Newton's method is the last: for a look at the penalties, and for the fit. The error is its square."""
SMALL = 1e-10


class Rows(NamedTuple):
    """What is regressed: values (members, n, outputs), truth (n, outputs), weight and fold of each row, (n,)."""

    values: Array
    truth: Array
    weight: Array
    fold: Array

    def at(self, part: slice) -> tuple[Array, Array, Array]:
        """Return the values, the truth and the weight of some of them."""
        return self.values[:, part], self.truth[part], self.weight[part]

    def fold_after_fold(self) -> "Rows":
        """Return them in the order of the folds, each of which is then one piece of memory, without those that weigh nothing."""
        order = np.argsort(self.fold, kind="stable")
        order = order[self.weight[order] > 0]
        if np.array_equal(order, np.arange(len(self.fold))):
            return self
        return Rows(self.values[:, order], self.truth[order], self.weight[order], self.fold[order])


class Moments(NamedTuple):
    """The loss of rows, and its first and second derivative by the weights and the intercepts, in this order."""

    loss: float
    slope: Array
    curvature: Array

    def plus(self, other: "Moments", sign: int = 1) -> "Moments":
        """Add those of other rows, or take them away."""
        return Moments(self.loss + sign * other.loss, self.slope + sign * other.slope, self.curvature + sign * other.curvature)


class Penalty(NamedTuple):
    """Half the squared distance of the parameters from a centre, times a strength for each; weights are the first `members`."""

    strength: Array
    centre: Array
    members: int
    negative: bool

    def loss(self, parameters: Array) -> float:
        """Return the penalty."""
        return float((self.strength * (parameters - self.centre) ** 2).sum() / 2)


class Point(NamedTuple):
    """Parameters, and the moments of each fold there."""

    parameters: Array
    by_fold: dict[int, Moments]

    @property
    def moments(self) -> Moments:
        """Those of all folds together."""
        return _sum(self.by_fold.values())


def regress(rows: Rows, link: Link, penalties: tuple[float, ...] = PENALTIES, negative: bool = False) -> tuple[Array, Array]:
    """Return the weights (members,) and the intercepts (outputs,) that predict the truth best on the scale of the link.

    Of `penalties` the one is taken whose fits to all folds but one predict that one best: exactly for least squares, to the
    second order around the fit by a middling one otherwise. Weights are at least 0 unless `negative`.
    """
    members, outputs = len(rows.values), rows.truth.shape[1]
    point = _point(rows, link, np.concatenate([np.full(members, 1 / members), np.zeros(outputs)]))
    centre = point.parameters
    unit = max(float(np.trace(point.moments.curvature[:members, :members])) / members, SMALL)

    def penalty(strength: float) -> Penalty:
        strengths = np.concatenate([np.full(members, max(strength, SMALL)), np.full(outputs, SMALL)])
        return Penalty(unit * strengths, centre, members, negative)

    chosen = penalties[0]
    if len(penalties) > 1:
        point = _approached(rows, link, point, penalty(FIRST_PENALTY), NEAR)
        chosen = penalties[int(np.argmin([_loss_on_others(point, penalty(strength)) for strength in penalties]))]
    point = _approached(rows, link, point, penalty(chosen), CLOSE)
    parameters = _least(point.moments, point.parameters, penalty(chosen))
    return parameters[:members], parameters[members:]


def _approached(rows: Rows, link: Link, point: Point, penalty: Penalty, near: float) -> Point:
    """Go by Newton's method to where its next step would be smaller than `near`; for least squares that is anywhere."""
    for _ in range(STEPS if link != "identity" else 0):
        here = point.moments
        step = _least(here, point.parameters, penalty) - point.parameters
        if np.abs(step).max() < near:
            break
        least = here.loss + penalty.loss(point.parameters)
        for share in (1.0, 0.5, 0.25, 0.125):
            tried = _point(rows, link, point.parameters + share * step)
            if tried.moments.loss + penalty.loss(tried.parameters) <= least * (1 + SMALL):
                break
        point = tried
    return point


def _loss_on_others(point: Point, penalty: Penalty) -> float:
    """The loss on each fold of the fit to the others, to the second order around the point."""
    total, loss = point.moments, 0.0
    for held in point.by_fold.values():
        away = _least(total.plus(held, -1), point.parameters, penalty) - point.parameters
        loss += held.loss + held.slope @ away + away @ held.curvature @ away / 2
    return loss


def _least(moments: Moments, around: Array, penalty: Penalty) -> Array:
    """The parameters of the least loss and penalty, to the second order around some."""
    members = penalty.members
    matrix = moments.curvature + np.diag(penalty.strength)
    vector = moments.curvature @ around - moments.slope + penalty.strength * penalty.centre
    if penalty.negative:
        return np.asarray(np.linalg.solve(matrix, vector))
    cross, free = matrix[:members, members:], matrix[members:, members:]
    towards = np.linalg.solve(free, np.column_stack([cross.T, vector[members:]]))
    reduced = matrix[:members, :members] - cross @ towards[:, :-1]
    reduced[np.diag_indices(members)] += SMALL * np.trace(reduced) / members
    root = cholesky(reduced, lower=True)
    aim = solve_triangular(root, vector[:members] - cross @ towards[:, -1], lower=True)
    weights, _ = nnls(root.T, aim, maxiter=100 * members)
    return np.concatenate([weights, towards[:, -1] - towards[:, :-1] @ weights])


def _point(rows: Rows, link: Link, parameters: Array) -> Point:
    """The moments of each fold's rows; of a single fold those of five parts of it."""
    edges = [0, *(np.flatnonzero(np.diff(rows.fold)) + 1), len(rows.fold)]
    if len(edges) == 2:
        edges = [len(rows.fold) * part // 5 for part in range(6)]
    most, by_fold = max(1, CELLS // rows.values[:, 0].size), dict[int, Moments]()
    for number, (start, end) in enumerate(pairwise(edges)):
        places = [slice(first, min(first + most, end)) for first in range(start, end, most)]
        # Products this small are slower on several threads, many times so on a busy machine.
        with threadpool_limits(1, "blas"):
            by_fold[number] = _sum(_moments(*rows.at(part), link, parameters) for part in places)
    return Point(parameters, by_fold)


def _moments(values: Array, truth: Array, weight: Array, link: Link, parameters: Array) -> Moments:
    members, _, outputs = values.shape
    linear = np.tensordot(parameters[:members], values, axes=1) + parameters[members:]
    prediction = {"identity": lambda z: z, "sigmoid": expit, "softmax": lambda z: softmax(z, axis=1)}[link](linear)
    weight = weight[:, None]
    if link == "identity":
        losses, bend = (prediction - truth) ** 2 / 2, np.broadcast_to(weight, truth.shape)
    elif link == "sigmoid":
        losses, bend = np.logaddexp(0, linear) - truth * linear, prediction * (1 - prediction) * weight
    else:
        losses, bend = logsumexp(linear, axis=1, keepdims=True) / outputs - truth * linear, prediction * weight
    rest = (prediction - truth) * weight
    slope = np.concatenate([values.reshape(members, -1) @ rest.ravel(), rest.sum(axis=0)])
    rooted = (values if (bend == 1).all() else values * np.sqrt(bend)).reshape(members, -1)
    curvature = np.zeros((members + outputs, members + outputs))
    curvature[:members, :members] = rooted @ rooted.T
    cross, own = np.einsum("mnk,nk->mk", values, bend), np.diag(bend.sum(axis=0))
    if link == "softmax":
        mean = np.einsum("mnk,nk->mn", values, prediction)
        centred = mean * np.sqrt(weight[:, 0])
        curvature[:members, :members] -= centred @ centred.T
        cross = cross - mean @ (prediction * weight)
        own = own - prediction.T @ (prediction * weight)
    curvature[:members, members:], curvature[members:, :members], curvature[members:, members:] = cross, cross.T, own
    return Moments(float((losses * weight).sum()), slope, curvature)


def _sum(pieces: Iterable[Moments]) -> Moments:
    return reduce(Moments.plus, pieces)
