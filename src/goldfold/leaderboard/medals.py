"""The rank of a score on a competition's leaderboard, and the medal that it earns."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """A rank among teams, from 1, and its medal: gold, silver, bronze, or ""."""

    rank: int
    teams: int
    medal: str

    @property
    def share(self) -> float:
        """The share of the teams at this rank or a better one."""
        return self.rank / self.teams

    def __str__(self) -> str:
        return f"place {self.rank:,} of {self.teams:,} (top {self.share:.1%}{f', {self.medal}' if self.medal else ''})"


def position(score: float, teams: Sequence[float], maximize: bool) -> Position:
    """Rank a score among the teams'; equal scores share the better rank."""
    better = sum(other > score if maximize else other < score for other in teams)
    rank = min(better + 1, len(teams))
    medals = (medal for medal, last in medal_ranks(len(teams)).items() if rank <= last)
    return Position(rank, len(teams), next(medals, ""))


def medal_ranks(teams: int) -> dict[str, int]:
    """Return the last rank of each medal among so many teams, percentages rounded down.

    Source: https://www.kaggle.com/progression, Competition Medals.
    """
    if teams < 100:
        return {"gold": teams // 10, "silver": teams // 5, "bronze": teams * 2 // 5}
    if teams < 250:
        return {"gold": 10, "silver": teams // 5, "bronze": teams * 2 // 5}
    gold = 10 + teams // 500
    if teams < 1000:
        return {"gold": gold, "silver": 50, "bronze": 100}
    return {"gold": gold, "silver": teams // 20, "bronze": teams // 10}
