"""Metrics of values: truth and value are (n,), or (n, targets), over which they take the mean."""

import numpy as np
import pandas as pd

from goldfold.metrics.metric import Array

EARTH_RADIUS = 6_371_000


def rmse(truth: Array, value: Array, *, sample_weight: Array | None = None) -> float:
    """Root mean squared error (sklearn.metrics.root_mean_squared_error), its mean over targets (MCRMSE)."""
    return float(np.sqrt(np.average(np.square(value - truth), axis=0, weights=sample_weight)).mean())


def mae(truth: Array, value: Array, *, sample_weight: Array | None = None) -> float:
    """Mean absolute error (sklearn.metrics.mean_absolute_error)."""
    return float(np.average(np.abs(value - truth), axis=0, weights=sample_weight).mean())


def r2(truth: Array, value: Array) -> float:
    """Share of the variance that is explained (sklearn.metrics.r2_score); NaN for a single row."""
    from sklearn.metrics import r2_score

    return float(r2_score(truth, value)) if len(truth) > 1 else float("nan")


def rmsle(truth: Array, value: Array) -> float:
    """Root mean squared error of log1p, its mean over targets; a value below zero counts as zero."""
    return rmse(np.log1p(truth), np.log1p(np.maximum(value, 0)))


def msle(truth: Array, value: Array) -> float:
    """Mean squared error of log1p (sklearn.metrics.mean_squared_log_error); a value below zero counts as zero."""
    return float(np.square(np.log1p(truth) - np.log1p(np.maximum(value, 0))).mean())


def mape(truth: Array, value: Array) -> float:
    """Mean absolute error as a share of the truth (mean_absolute_percentage_error); NaN where a truth is zero."""
    return float(np.abs((value - truth) / truth).mean()) if (truth != 0).all() else float("nan")


def rmspe(truth: Array, value: Array) -> float:
    """Root mean squared error as a share of the truth, without the rows whose truth is zero. Kaggle's rossmann-store-sales."""
    scored = truth != 0
    return float(np.sqrt(np.square(value[scored] / truth[scored] - 1).mean())) if scored.any() else float("nan")


def smape(truth: Array, value: Array) -> float:
    """Symmetric mean absolute percentage error, 0 to 200; where both are zero it is 0. Kaggle's web-traffic-time-series."""
    size = (np.abs(truth) + np.abs(value)) / 2
    return float(100 * (np.abs(value - truth) / np.where(size > 0, size, 1)).mean())


def pearson(truth: Array, value: Array) -> float:
    """Pearson's correlation, its mean over targets; NaN where a target or its prediction is constant."""
    a, b = (part.reshape(len(truth), -1).astype(float) for part in (truth, value))
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return float(((a * b).sum(axis=0) / size).mean()) if (size > 0).all() else float("nan")


def spearman(truth: Array, value: Array) -> float:
    """Spearman's correlation of ranks, its mean over targets; NaN where a target or its prediction is constant.

    Kaggle's google-quest-challenge.
    """
    return pearson(*(pd.DataFrame(part.reshape(len(truth), -1)).rank().to_numpy() for part in (truth, value)))


def gini(truth: Array, value: Array) -> float:
    """Gini coefficient of the truth in the order of the predictions, over that in its own order; 2 AUC - 1 of 0 and 1.

    Kaggle's porto-seguro-safe-driver-prediction and liberty-mutual-fire-peril. NaN where the truth is constant.
    """

    def area(order: Array) -> float:
        return float((truth[order].cumsum() / truth.sum()).mean()) - (len(truth) + 1) / len(truth) / 2

    if truth.min() == truth.max():
        return float("nan")
    return area(np.argsort(-value, kind="stable")) / area(np.argsort(-truth, kind="stable"))


def group_log_mae(truth: Array, value: Array, *, group: Array) -> float:
    """The mean over groups of the logarithm of each group's mean absolute error, not below 1e-9.

    Kaggle's champs-scalar-coupling.
    """
    errors = pd.Series(np.abs(value - truth)).groupby(group).mean()
    return float(np.log(errors.clip(lower=1e-9)).mean())


def angular_error(truth: Array, value: Array) -> float:
    """The mean angle between directions, (n, 2) of azimuth and zenith, all in radians. Kaggle's icecube-neutrinos-in-deep-ice."""
    (azimuth, zenith), (azimuth2, zenith2) = truth.T, value.T
    cosine = np.sin(zenith) * np.sin(zenith2) * np.cos(azimuth - azimuth2) + np.cos(zenith) * np.cos(zenith2)
    return float(np.arccos(np.clip(cosine, -1, 1)).mean())


def haversine_percentiles(truth: Array, value: Array, *, group: Array | None = None) -> float:
    """The mean of the 50th and the 95th percentile of the distance in metres, of (n, 2) latitude and longitude in degrees;
    over `group`s their mean. Kaggle's smartphone-decimeter-2022."""
    (latitude, longitude), (latitude2, longitude2) = np.radians(truth).T, np.radians(value).T
    chord = (
        np.sin((latitude2 - latitude) / 2) ** 2 + np.cos(latitude) * np.cos(latitude2) * np.sin((longitude2 - longitude) / 2) ** 2
    )
    distance = pd.Series(2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))
    groups = distance.groupby(np.zeros(len(distance)) if group is None else group)
    return float((groups.quantile(0.5) + groups.quantile(0.95)).mean() / 2)


def laplace_log_likelihood(truth: Array, value: Array, *, confidence: float = 200) -> float:
    """The modified Laplace log likelihood, with a confidence of at least 70 and an error of at most 1000.

    `value` is (n,) with the one `confidence` for all, or (n, 2) with each row's own.
    Kaggle's osic-pulmonary-fibrosis-progression.
    """
    value, sigma = (value.T[0], value.T[1]) if value.ndim > 1 else (value, np.full(len(value), confidence))
    sigma = np.sqrt(2) * np.maximum(sigma, 70)
    return float((-2 * np.minimum(np.abs(truth - value), 1000) / sigma - np.log(sigma)).mean())
