"""The table of metrics, and how params.yaml names one."""

from collections.abc import Mapping
from typing import Any

from goldfold.config import Task
from goldfold.errors import InputError
from goldfold.imports import named, nearest, require_trusted
from goldfold.metrics import label, masks, probability, ranking, value
from goldfold.metrics.arguments import KEY, require_arguments
from goldfold.metrics.metric import Metric

BINARY: tuple[Task, ...] = ("binary",)
CLASSES: tuple[Task, ...] = ("binary", "multiclass")
LABELS: tuple[Task, ...] = ("multilabel",)
ALL_LABELS: tuple[Task, ...] = ("binary", "multiclass", "multilabel")
GRADES: tuple[Task, ...] = ("binary", "multiclass", "regression")
VALUES: tuple[Task, ...] = ("regression",)
MASKS: tuple[Task, ...] = ("masks",)
WEIGHT = ("sample_weight",)

METRICS = {
    metric.name: metric
    for metric in (
        Metric("accuracy", label.accuracy, True, "label", (*ALL_LABELS, "regression"), WEIGHT),
        Metric("roc_auc", probability.roc_auc, True, "probability", ALL_LABELS, WEIGHT),
        Metric("log_loss", probability.log_loss, False, "probability", ALL_LABELS, WEIGHT, shares=True),
        Metric("f1", label.f1, True, "label", BINARY),
        Metric("f1_macro", label.f1_macro, True, "label", ALL_LABELS),
        Metric("f1_micro", label.f1_micro, True, "label", ALL_LABELS),
        Metric("f1_samples", label.f1_samples, True, "label", LABELS),
        Metric("fbeta", label.fbeta, True, "label", ALL_LABELS),
        Metric("balanced_accuracy", label.balanced_accuracy, True, "label", CLASSES),
        Metric("mcc", label.mcc, True, "label", CLASSES),
        Metric("quadratic_weighted_kappa", label.quadratic_weighted_kappa, True, "label", GRADES),
        Metric("linear_weighted_kappa", label.linear_weighted_kappa, True, "label", GRADES),
        Metric("cohen_kappa", label.cohen_kappa, True, "label", GRADES),
        Metric("weighted_roc_auc", probability.weighted_roc_auc, True, "probability", BINARY),
        Metric("bias_auc", probability.bias_auc, True, "probability", ("binary", "regression"), ("subgroups",)),
        Metric("average_precision", probability.average_precision, True, "probability", ALL_LABELS),
        Metric("balanced_log_loss", probability.balanced_log_loss, False, "probability", CLASSES),
        Metric("weighted_log_loss", probability.weighted_log_loss, False, "probability", LABELS),
        Metric("kl_divergence", probability.kl_divergence, False, "probability", ("multiclass",), shares=True),
        Metric("brier", probability.brier, False, "probability", ALL_LABELS),
        Metric("probabilistic_f1", probability.probabilistic_f1, True, "probability", BINARY),
        Metric("map_at_k", ranking.map_at_k, True, "ranking", ("multiclass", "multilabel")),
        Metric("top_k_accuracy", ranking.top_k_accuracy, True, "ranking", ("multiclass",)),
        Metric("top_k_error", ranking.top_k_error, False, "ranking", ("multiclass",)),
        Metric("label_ranking_average_precision", ranking.label_ranking_average_precision, True, "probability", LABELS),
        Metric("lwlrap", ranking.lwlrap, True, "probability", LABELS),
        Metric("rmse", value.rmse, False, "value", VALUES, WEIGHT),
        Metric("mcrmse", value.rmse, False, "value", VALUES, WEIGHT),
        Metric("rmsle", value.rmsle, False, "value", VALUES, logs=True),
        Metric("msle", value.msle, False, "value", VALUES, logs=True),
        Metric("mae", value.mae, False, "value", VALUES, WEIGHT),
        Metric("mape", value.mape, False, "value", VALUES),
        Metric("rmspe", value.rmspe, False, "value", VALUES),
        Metric("smape", value.smape, False, "value", VALUES),
        Metric("r2", value.r2, True, "value", VALUES),
        Metric("pearson", value.pearson, True, "value", VALUES),
        Metric("spearman", value.spearman, True, "value", VALUES),
        Metric("gini", value.gini, True, "value", ("binary", "regression")),
        Metric("group_log_mae", value.group_log_mae, False, "value", VALUES, ("group",)),
        Metric("angular_error", value.angular_error, False, "value", VALUES),
        Metric("haversine_percentiles", value.haversine_percentiles, False, "value", VALUES, ("group",)),
        Metric("laplace_log_likelihood", value.laplace_log_likelihood, True, "value", VALUES),
        Metric("mean_dice", masks.mean_dice, True, "mask", MASKS),
        Metric("dice", masks.dice, True, "mask", MASKS),
        Metric("mean_iou", masks.mean_iou, True, "mask", MASKS),
        Metric("iou", masks.iou, True, "mask", MASKS),
        Metric("iou_precision", masks.iou_precision, True, "mask", MASKS),
    )
}


def find_metric(name: str, task: Task | None = None, arguments: Mapping[str, Any] | None = None) -> Metric:
    """Return the metric `name`, or the competitor's own by import path.

    Raises InputError for an unknown name, for one that does not score `task`, and for wrong or missing `arguments`.
    """
    if ":" in name:
        require_trusted(name, KEY)
        metric = named(name, [], KEY)
        if not isinstance(metric, Metric):
            raise InputError(
                f"params.yaml, {KEY}: {name} is not a goldfold.metrics.Metric",
                mend='make it one: my_metric = Metric("my_metric", function, maximize=True, needs="label", tasks=("binary",))',
            )
    else:
        metric = METRICS.get(name)
        if metric is None:
            raise InputError(
                f"params.yaml, {KEY}: there is no metric {name}{nearest(name, list(METRICS))}",
                mend=f"give one of {', '.join(METRICS)}, or the import path of your own, own.module:metric",
            )
    if task is not None and task not in metric.tasks:
        fitting = [other.name for other in METRICS.values() if task in other.tasks]
        raise InputError(
            f"params.yaml, {KEY}: {name} does not score a {task} task",
            mend=f"give one of {', '.join(fitting)}, or another competition.task ({', '.join(metric.tasks)})",
        )
    if arguments is not None:
        require_arguments(metric, arguments)
    return metric
