"""Runs in MLflow, which mirror the files that the stages wrote."""

from goldfold.tracking.stage import (
    Tracked,
    flat_params,
    log_report,
    log_run,
    log_scores,
    model_of_run,
    provenance,
    read_origin,
    tracked_stage,
)

__all__ = [
    "Tracked",
    "flat_params",
    "log_report",
    "log_run",
    "log_scores",
    "model_of_run",
    "provenance",
    "read_origin",
    "tracked_stage",
]
