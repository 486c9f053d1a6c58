"""Folds, and the competition as training reads it."""

from goldfold.prepare.gathered import Gathered
from goldfold.prepare.preparation import prepare
from goldfold.prepare.prepared_set import PreparedSet
from goldfold.prepare.shown import RowFacts, Shown

__all__ = ["Gathered", "PreparedSet", "RowFacts", "Shown", "prepare"]
