"""Searches by Optuna over keys of params.yaml."""

from goldfold.sweep.search import Observer, Search, TrialResult

__all__ = ["Observer", "Search", "TrialResult"]
