"""Where a score stands on a competition's leaderboard, and the medal that such a place earns."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """A place among teams, from 1, and the medal for it: gold, silver, bronze, or none as ""."""

    place: int
    teams: int
    medal: str

    @property
    def share(self) -> float:
        """The share of the teams that are at this place or a better one."""
        return self.place / self.teams

    def __str__(self) -> str:
        return f"place {self.place:,} of {self.teams:,} (top {self.share:.1%}{f', {self.medal}' if self.medal else ''})"


def position(score: float, teams: Sequence[float], maximize: bool) -> Position:
    """The place that a score takes among the teams' scores, of which equal ones share the better place."""
    better = sum(other > score if maximize else other < score for other in teams)
    place = min(better + 1, len(teams))
    medals = (medal for medal, last in medal_places(len(teams)).items() if place <= last)
    return Position(place, len(teams), next(medals, ""))


def medal_places(teams: int) -> dict[str, int]:
    """The last place of each medal among so many teams, percentages rounded down.

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
