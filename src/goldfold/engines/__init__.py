"""Engines: what trains the folds, and where."""
