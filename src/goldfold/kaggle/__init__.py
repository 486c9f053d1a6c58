"""Kaggle, by its official client, which only this package imports."""

from goldfold.kaggle.competitions import (
    Entry,
    Facts,
    Rank,
    Sent,
    download,
    evaluation,
    facts,
    leaderboard,
    submissions,
    submit,
)
from goldfold.kaggle.credentials import Credentials, find_credentials
from goldfold.kaggle.session import UnreachableError

__all__ = [
    "Credentials",
    "Entry",
    "Facts",
    "Rank",
    "Sent",
    "UnreachableError",
    "download",
    "evaluation",
    "facts",
    "find_credentials",
    "leaderboard",
    "submissions",
    "submit",
]
