"""`goldfold …`: everything that a competitor does that is not a stage."""

from goldfold.cli.main import main

__all__ = ["main"]
