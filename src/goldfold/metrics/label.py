"""Metrics of labels: truth and label are (n,) class indices, or (n, labels) of 0 and 1."""

from typing import Literal

import numpy as np

from goldfold.metrics.metric import Array

Average = Literal["binary", "macro", "micro", "samples"]


def accuracy(truth: Array, label: Array, *, sample_weight: Array | None = None) -> float:
    """The share of correct labels, over all rows and labels."""
    return float(np.average(truth == label, axis=0, weights=sample_weight).mean())


def balanced_accuracy(truth: Array, label: Array) -> float:
    """The mean recall over classes (sklearn.metrics.balanced_accuracy_score)."""
    return float(np.mean([(label[truth == index] == index).mean() for index in np.unique(truth)]))


def fbeta(truth: Array, label: Array, *, average: Average, beta: float = 1) -> float:
    """The F-score that weighs recall `beta` times as much as precision (sklearn.metrics.fbeta_score).

    `average` is binary (of the positive class), macro (the mean over classes or labels), micro (of all labels together) or
    samples (the mean over rows). Without any label in truth and prediction it is 0, for a row 1.
    """
    from sklearn.metrics import fbeta_score

    empty = 1.0 if average == "samples" else 0.0
    return float(fbeta_score(truth, label, beta=beta, average=average, zero_division=empty))


def f1(truth: Array, label: Array) -> float:
    """F1 of the positive class."""
    return fbeta(truth, label, average="binary")


def f1_macro(truth: Array, label: Array) -> float:
    """The mean of F1 over classes or labels."""
    return fbeta(truth, label, average="macro")


def f1_micro(truth: Array, label: Array) -> float:
    """F1 of all labels together; of classes that exclude each other, the accuracy."""
    return fbeta(truth, label, average="micro")


def f1_samples(truth: Array, label: Array) -> float:
    """The mean of F1 over rows; a row without labels, true or predicted, counts 1."""
    return fbeta(truth, label, average="samples")


def mcc(truth: Array, label: Array) -> float:
    """Matthews' correlation coefficient (sklearn.metrics.matthews_corrcoef)."""
    from sklearn.metrics import matthews_corrcoef

    return float(matthews_corrcoef(truth, label))


def cohen_kappa(truth: Array, label: Array, *, weights: Literal["linear", "quadratic"] | None = None) -> float:
    """Cohen's kappa, whose `weights` say how the distance of two grades counts (sklearn.metrics.cohen_kappa_score)."""
    from sklearn.metrics import cohen_kappa_score

    if len(np.unique(np.concatenate([truth, label]))) < 2:
        return float("nan")
    return float(cohen_kappa_score(truth, label, weights=weights))


def quadratic_weighted_kappa(truth: Array, label: Array) -> float:
    """Cohen's kappa with quadratic weights, of grades; NaN where there is one grade only."""
    return cohen_kappa(truth, label, weights="quadratic")


def linear_weighted_kappa(truth: Array, label: Array) -> float:
    """Cohen's kappa with linear weights, of grades; NaN where there is one grade only."""
    return cohen_kappa(truth, label, weights="linear")
