"""What the organisers gave us, and what they ask for."""

from goldfold.competition.competition import USAGE, Competition, read_competition, read_solution
from goldfold.competition.problem import Problem
from goldfold.competition.task import Decision

__all__ = ["USAGE", "Competition", "Decision", "Problem", "read_competition", "read_solution"]
