"""Kaggle, by way of its official client: the only package that imports it."""

from goldfold.kaggle.client import Entry, Place, Sent, download, evaluation, leaderboard, submissions, submit
from goldfold.kaggle.credentials import Credentials, find_credentials

__all__ = [
    "Credentials",
    "Entry",
    "Place",
    "Sent",
    "download",
    "evaluation",
    "find_credentials",
    "leaderboard",
    "submissions",
    "submit",
]
