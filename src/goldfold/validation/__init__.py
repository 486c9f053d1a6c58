"""Out-of-fold predictions, their scores and the scores' uncertainty."""

from goldfold.validation.cv_result import CVResult, Scores

__all__ = ["CVResult", "Scores"]
