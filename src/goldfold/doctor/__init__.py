"""Whether all is there that a run needs, and how to mend what is not."""

from goldfold.doctor.checks import examine
from goldfold.doctor.finding import Finding

__all__ = ["Finding", "examine"]
