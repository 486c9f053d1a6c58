"""Test predictions and the submission."""

from goldfold.prediction.submission import Submission, check_submission, rewrite_submission, score_submission, with_columns

__all__ = ["Submission", "check_submission", "rewrite_submission", "score_submission", "with_columns"]
