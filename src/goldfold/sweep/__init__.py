"""Searches by Optuna over keys of params.yaml."""

from goldfold.sweep.search import Search, Tried, Watcher

__all__ = ["Search", "Tried", "Watcher"]
