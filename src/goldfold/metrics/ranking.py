"""Metrics of rankings: how early the right classes or labels come when they are sorted by their scores, (n, classes)."""

import numpy as np

from goldfold.metrics.metric import Array
from goldfold.metrics.probability import one_hot


def best_first(scores: Array, k: int) -> Array:
    """The columns of the k largest scores of each row, best first, (n, k); of equals the first."""
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def map_at_k(truth: Array, scores: Array, *, k: int = 5) -> float:
    """Mean average precision of the first k: for one class 1 / its rank, and 0 beyond k.

    For several labels, the sum of the precisions at the hits over min(labels, k); a row without labels counts 0. Kaggle's MAP@k, https://www.kaggle.com/wiki/MeanAveragePrecision.
    """
    positive = one_hot(truth, scores)
    hits = np.take_along_axis(positive, best_first(scores, k), axis=1)
    precision = hits.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    most = np.clip(positive.sum(axis=1), 1, k)
    return float(((hits * precision).sum(axis=1) / most).mean())


def top_k_accuracy(truth: Array, scores: Array, *, k: int = 5) -> float:
    """The share of rows whose class is among the k best (sklearn.metrics.top_k_accuracy_score)."""
    return float((best_first(scores, k) == truth[:, None]).any(axis=1).mean())


def top_k_error(truth: Array, scores: Array, *, k: int = 1) -> float:
    """The share of rows whose class is not among the k best. Kaggle's inaturalist-2019-fgvc6."""
    return 1 - top_k_accuracy(truth, scores, k=k)


def label_ranking_average_precision(truth: Array, scores: Array) -> float:
    """For each label of a row the share of labels among those ranked as high (label_ranking_average_precision_score)."""
    from sklearn.metrics import label_ranking_average_precision_score

    return float(label_ranking_average_precision_score(truth, scores))


def lwlrap(truth: Array, scores: Array) -> float:
    """Label-ranking average precision in which every label of every row counts the same; NaN without any label.

    Kaggle's freesound-audio-tagging-2019.
    """
    from sklearn.metrics import label_ranking_average_precision_score

    labels = truth.sum(axis=1)
    rows = labels > 0
    if not rows.any():
        return float("nan")
    return float(label_ranking_average_precision_score(truth[rows], scores[rows], sample_weight=labels[rows]))
