"""Test predictions and the submission."""

from goldfold.prediction.predict import predict, submission_of
from goldfold.prediction.submission import Submission, check_submission, score_submission, with_columns

__all__ = ["Submission", "check_submission", "predict", "score_submission", "submission_of", "with_columns"]
