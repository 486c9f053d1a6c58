"""Audit the data for what makes a score misleading: duplicates, leaks, conflicts, a test set of another kind."""

from goldfold.audit.checks import PAGE, Audit, audit, require_sound

__all__ = ["PAGE", "Audit", "audit", "require_sound"]
