"""Kaggle's names of metrics."""

import re

NAMES = (
    (r"quadratic.*kappa", "quadratic_weighted_kappa"),
    (r"linear.*kappa", "linear_weighted_kappa"),
    (r"kappa", "cohen_kappa"),
    (r"(mean|average) column.*(log|rmsle|logarithmic)", "rmsle"),
    (r"(mean|average) column.*(root|rmse)|mcrmse", "mcrmse"),
    (r"logarithmic error|rmsle", "rmsle"),
    (r"root mean squared? percentage|rmspe", "rmspe"),
    (r"root mean squared? error|rmse", "rmse"),
    (r"symmetric.*percentage|smape", "smape"),
    (r"mean absolute percentage|^mape", "mape"),
    (r"mean absolute error|^mae$", "mae"),
    (r"receiver operating|roc auc|^auc$|mcauc|aucroc", "roc_auc"),
    (r"balanced.*log", "balanced_log_loss"),
    (r"balanced.*accuracy", "balanced_accuracy"),
    (r"brier", "brier"),
    (r"\bdice\b", "mean_dice"),
    (r"^(?!.*weighted).*(log ?loss|multiclass loss|logarithmic loss|cross.?entropy)", "log_loss"),
    (r"categorization accuracy|classification accuracy|^accuracy", "accuracy"),
    (r"macro.*f.?(1|score)|f.?(1|score).*macro", "f1_macro"),
    (r"micro.*f.?(1|score)|f.?(1|score).*micro", "f1_micro"),
    (r"mean f.?(1|score)|meanf1|meanfscore", "f1_samples"),
    (r"f.?(1|score)", "f1"),
    (r"matthews|^mcc$", "mcc"),
    (r"gini", "gini"),
    (r"laplace", "laplace_log_likelihood"),
    (r"kullback|kl.?div", "kl_divergence"),
    (r"spearman", "spearman"),
    (r"pearson", "pearson"),
    (r"^r2|r squared|r-squared", "r2"),
    (r"^map@|mean average precision @", "map_at_k"),
    (r"average precision", "average_precision"),
)


def metric_called(name: str) -> str | None:
    """Return goldfold's metric for Kaggle's `name`, None if it has none.

    >>> metric_called("Mean Absolute Error"), metric_called("Custom Metric")
    ('mae', None)
    """
    plain = re.sub(r"[_{}()]+", " ", name).strip().lower()
    return next((metric for pattern, metric in NAMES if re.search(pattern, plain)), None)
