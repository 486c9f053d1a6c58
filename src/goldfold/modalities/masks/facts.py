"""Facts about image files, which should not predict the target, and statistics of their pixels, for the audit."""

from goldfold.modalities.image.facts import row_facts

__all__ = ["row_facts"]
