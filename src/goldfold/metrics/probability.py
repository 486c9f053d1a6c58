"""Metrics of probabilities: (n,) of the positive class, or (n, labels), or (n, classes)."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from goldfold.metrics.metric import Array

TINY = 1e-15
Average = Literal["macro", "micro"]


def one_hot(truth: Array, probability: Array) -> Array:
    """Truth in the shape of the probabilities: class indices as columns of 0 and 1."""
    return np.eye(probability.shape[1], dtype=int)[truth] if truth.ndim < probability.ndim else truth


def one_sided(truth: Array) -> bool:
    """Whether a column of 0 and 1 has one of them only."""
    return bool(np.any(truth.min(axis=0) == truth.max(axis=0)))


def roc_auc(truth: Array, probability: Array, *, average: Average = "macro", sample_weight: Array | None = None) -> float:
    """Area under the ROC curve (sklearn.metrics.roc_auc_score); NaN where a column has one class only.

    Of several columns it is the mean (macro), or the area of all (row, label) pairs together (micro).
    """
    truth = one_hot(truth, probability)
    if one_sided(truth.ravel() if average == "micro" else truth):
        return float("nan")
    if sample_weight is None:
        columns = 1 if average == "micro" else int(np.prod(truth.shape[1:]))
        pairs = zip(truth.reshape(-1, columns).T, probability.reshape(-1, columns).T, strict=True)
        return float(np.mean([_share_in_order(labels, scores) for labels, scores in pairs]))
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truth, probability, average=average, sample_weight=sample_weight))


def _share_in_order(truth: Array, probability: Array) -> float:
    """The share of (negative, positive) pairs in the right order, half of the ties: the area, a seventh of sklearn's time."""
    if np.isnan(probability).any():
        return float("nan")
    negative, positive = np.sort(probability[truth == 0]), np.sort(probability[truth == 1])
    below = np.searchsorted(negative, positive, "left").sum() + np.searchsorted(negative, positive, "right").sum()
    return float(below / 2 / len(negative) / len(positive))


def weighted_roc_auc(
    truth: Array, probability: Array, *, tpr: Sequence[float] = (0, 0.4, 1), weights: Sequence[float] = (2, 1)
) -> float:
    """Area under the ROC curve whose bands of true-positive rate count by `weights`, over what it could be.

    Kaggle's alaska2-image-steganalysis. NaN where there is one class only.
    """
    from sklearn.metrics import roc_curve

    if one_sided(truth):
        return float("nan")
    false, true, _ = roc_curve(truth, probability, drop_intermediate=False)
    for bound in tpr[1:-1]:
        after = int(np.searchsorted(true, bound, side="right"))
        share = (bound - true[after - 1]) / (true[after] - true[after - 1])
        false = np.insert(false, after, false[after - 1] + share * (false[after] - false[after - 1]))
        true = np.insert(true, after, bound)
    middle = (true[1:] + true[:-1]) / 2
    weight = np.asarray(weights)[np.searchsorted(tpr[1:-1], middle, side="right")]
    heights = np.diff(true) * weight
    return float((heights * (1 - (false[1:] + false[:-1]) / 2)).sum() / heights.sum())


def bias_auc(truth: Array, score: Array, *, subgroups: Array, power: float = -5, overall: float = 0.25) -> float:
    """The AUC, and the generalised means over subgroups of three AUCs that show a bias against them, in equal parts.

    The three are within the subgroup, of its negatives with the others' positives, and of its positives with the others'
    negatives. A row belongs to a subgroup, and is positive, from 0.5 up; an empty value does not count. `overall` is the share of
    the AUC. Kaggle's jigsaw-unintended-bias-in-toxicity-classification; Borkan et al. 2019, https://arxiv.org/abs/1903.04561.
    """
    from sklearn.metrics import roc_auc_score

    positive = truth >= 0.5
    parts = []
    for column in subgroups.reshape(len(truth), -1).T:
        member = np.nan_to_num(column.astype(float)) >= 0.5
        for rows in (member, np.where(member, ~positive, positive), np.where(member, positive, ~positive)):
            if one_sided(positive[rows]) if rows.any() else True:
                return float("nan")
            parts.append(roc_auc_score(positive[rows], score[rows]))
    # A subgroup without any order (an area of 0) makes a mean of negative power 0.
    with np.errstate(divide="ignore"):
        means = np.power(np.power(np.reshape(parts, (-1, 3)), power).mean(axis=0), 1 / power)
    return float(overall * roc_auc_score(positive, score) + (1 - overall) * means.mean())


def average_precision(truth: Array, probability: Array, *, average: Average = "macro") -> float:
    """Average precision (sklearn.metrics.average_precision_score), of several columns their mean, or of all together (micro).

    NaN where a column has no positive row.
    """
    from sklearn.metrics import average_precision_score

    truth = one_hot(truth, probability)
    if not (truth.any() if average == "micro" else truth.any(axis=0).all()):
        return float("nan")
    return float(average_precision_score(truth, probability, average=average))


def log_loss(truth: Array, probability: Array, *, sample_weight: Array | None = None) -> float:
    """Log loss with probabilities kept 1e-15 from 0 and 1 (Kaggle's); its mean over labels. A row's sum is made 1."""
    return float(np.average(row_log_loss(truth, probability), weights=sample_weight))


def row_log_loss(truth: Array, probability: Array) -> Array:
    """The log loss of each row, (n,); its mean over labels."""
    if probability.ndim == 1 or (truth.ndim == probability.ndim and truth.dtype.kind != "f"):
        p = np.clip(probability, TINY, 1 - TINY)
        losses = -np.where(truth == 1, np.log(p), np.log1p(-p))
        return np.asarray(losses.reshape(len(truth), -1).mean(axis=1))
    logs = -np.log(np.clip(probability / probability.sum(axis=1, keepdims=True), TINY, 1))
    return np.asarray((truth * logs).sum(axis=1) if truth.ndim > 1 else logs[np.arange(len(truth)), truth])


def balanced_log_loss(truth: Array, probability: Array, *, class_weights: Sequence[float] | None = None) -> float:
    """The mean over classes of the log loss on each class's rows, by `class_weights`, which are in the order of the classes.

    Kaggle's icr-identify-age-related-conditions and PLAsTiCC-2018. Classes without rows do not count.
    """
    losses = row_log_loss(truth, probability)
    present = np.unique(truth)
    weights = None if class_weights is None else np.asarray(class_weights)[present]
    return float(np.average([losses[truth == index].mean() for index in present], weights=weights))


def weighted_log_loss(
    truth: Array, probability: Array, *, label_weights: Sequence[float] | None = None, positive_weight: float = 1
) -> float:
    """The mean over rows of each row's log loss over labels, weighted by label and `positive_weight` times as much where the
    label is there. Kaggle's rsna-2022-cervical-spine-fracture-detection."""
    p = np.clip(probability, TINY, 1 - TINY)
    weights = np.where(truth == 1, positive_weight, 1) * (1 if label_weights is None else np.asarray(label_weights))
    losses = -np.where(truth == 1, np.log(p), np.log1p(-p)) * weights
    return float((losses.sum(axis=1) / weights.sum(axis=1)).mean())


def kl_divergence(truth: Array, probability: Array) -> float:
    """The Kullback-Leibler divergence of the predicted shares from the true ones, a row's sum and the rows' mean.

    Kaggle's hms-harmful-brain-activity-classification. Of classes it is the log loss. A row's sum is made 1.
    """
    shares = one_hot(truth, probability).astype(float)
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=1)
    return float((row_log_loss(shares, probability) - entropy).mean())


def brier(truth: Array, probability: Array) -> float:
    """The mean squared error of the probabilities (Brier 1950); over classes a row's sum, over labels their mean."""
    squares = np.square(probability - one_hot(truth, probability))
    return float(squares.sum(axis=1).mean() if truth.ndim < probability.ndim else squares.mean())


def probabilistic_f1(truth: Array, probability: Array, *, beta: float = 1) -> float:
    """The F-score with each probability counted as that share of a positive.

    Yacouby and Axman 2020; Kaggle's rsna-breast-cancer-detection. NaN where no row is positive.
    """
    if not truth.any():
        return float("nan")
    p = np.clip(probability, 0, 1)
    return float((1 + beta**2) * p[truth == 1].sum() / (beta**2 * (truth == 1).sum() + p.sum()))
