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
    submit_code,
)
from goldfold.kaggle.credentials import Credentials, find_credentials
from goldfold.kaggle.data_sets import data_set_of, data_set_status, download_data_set, find_data_set, upload_data_set
from goldfold.kaggle.kernels import (
    ACCELERATORS,
    Session,
    fetch_output,
    find_kernel,
    gpu_hours,
    kernel_session,
    push_kernel,
)
from goldfold.kaggle.session import RefusedError, UnreachableError, user

__all__ = [
    "ACCELERATORS",
    "Credentials",
    "Entry",
    "Facts",
    "Rank",
    "RefusedError",
    "Sent",
    "Session",
    "UnreachableError",
    "data_set_of",
    "data_set_status",
    "download",
    "download_data_set",
    "evaluation",
    "facts",
    "fetch_output",
    "find_credentials",
    "find_data_set",
    "find_kernel",
    "gpu_hours",
    "kernel_session",
    "leaderboard",
    "push_kernel",
    "submissions",
    "submit",
    "submit_code",
    "upload_data_set",
    "user",
]
