"""What the organisers gave us, and what they ask for."""

from goldfold.competition.competition import Competition, read_competition, read_solution
from goldfold.competition.problem import Problem

__all__ = ["Competition", "Problem", "read_competition", "read_solution"]
