"""The pipeline on a handful of rows: what a late stage would refuse is refused before any fold is trained."""

from goldfold.rehearsal.once import rehearse

__all__ = ["rehearse"]
