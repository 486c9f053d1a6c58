"""Folds, the image cache, and the tables as training reads them."""

from goldfold.prepare.prepare import prepare
from goldfold.prepare.prepared_set import PreparedSet

__all__ = ["PreparedSet", "prepare"]
