"""What in the data could make a score lie: duplicates, leaks, conflicts, a test set of another kind."""

from goldfold.audit.checks import PAGE, Audit, audit, require_sound

__all__ = ["PAGE", "Audit", "audit", "require_sound"]
