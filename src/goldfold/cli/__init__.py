"""`goldfold …`: everything that a competitor does that is not a stage. Each command is a module of its name."""

from goldfold.cli.main import main

__all__ = ["main"]
