"""All runs of a competition side by side, and on its leaderboard."""

from goldfold.leaderboard.medals import Position, position
from goldfold.leaderboard.standing import ORDERS, Agreement, Order, Standing, agreements, ranked, standings

__all__ = ["ORDERS", "Agreement", "Order", "Position", "Standing", "agreements", "position", "ranked", "standings"]
