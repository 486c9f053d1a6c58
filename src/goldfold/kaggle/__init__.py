"""Kaggle, by its official client, which only this package imports."""

from goldfold.kaggle.client import Entry, Facts, Rank, Sent, download, evaluation, facts, leaderboard, submissions, submit
from goldfold.kaggle.credentials import Credentials, find_credentials

__all__ = [
    "Credentials",
    "Entry",
    "Facts",
    "Rank",
    "Sent",
    "download",
    "evaluation",
    "facts",
    "find_credentials",
    "leaderboard",
    "submissions",
    "submit",
]
