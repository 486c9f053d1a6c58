"""The competition's files, and the problem that they pose."""

from goldfold.competition.competition import Competition, read_competition, read_solution
from goldfold.competition.decision import Decision
from goldfold.competition.problem import Problem
from goldfold.competition.solution import PRIVATE, PUBLIC, USAGE

__all__ = ["PRIVATE", "PUBLIC", "USAGE", "Competition", "Decision", "Problem", "read_competition", "read_solution"]
