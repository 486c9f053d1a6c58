"""Kaggle, by way of its official client: the only package that imports it."""

from goldfold.kaggle.client import Entry, Facts, Place, Sent, download, evaluation, facts, leaderboard, submissions, submit
from goldfold.kaggle.credentials import Credentials, find_credentials

__all__ = [
    "Credentials",
    "Entry",
    "Facts",
    "Place",
    "Sent",
    "download",
    "evaluation",
    "facts",
    "find_credentials",
    "leaderboard",
    "submissions",
    "submit",
]
