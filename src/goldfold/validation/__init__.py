"""Out-of-fold predictions, their scores and how sure those are."""

from goldfold.validation.cv_result import CVResult, Scores

__all__ = ["CVResult", "Scores"]
