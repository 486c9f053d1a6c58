"""Runs in MLflow, which mirror the files that the stages wrote."""

from goldfold.tracking.content import flat_params, provenance
from goldfold.tracking.logs import log_report, log_run, log_scores
from goldfold.tracking.origin import Origin, load_origins, save_origins
from goldfold.tracking.stage import StageTracker, tracked_stage

__all__ = [
    "Origin",
    "StageTracker",
    "flat_params",
    "load_origins",
    "log_report",
    "log_run",
    "log_scores",
    "provenance",
    "save_origins",
    "tracked_stage",
]
