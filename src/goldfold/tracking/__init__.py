"""Runs in MLflow, which mirror the files that the stages wrote."""

from goldfold.tracking.stage import (
    Tracked,
    log_run,
    log_test_score,
    model_of_run,
    read_origin,
    tracked_stage,
)

__all__ = ["Tracked", "log_run", "log_test_score", "model_of_run", "read_origin", "tracked_stage"]
