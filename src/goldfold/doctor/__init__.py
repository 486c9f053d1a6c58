"""Checks of everything that a run needs, and how to mend what is wrong."""

from goldfold.doctor.checks import examine
from goldfold.doctor.result import CheckResult

__all__ = ["CheckResult", "examine"]
