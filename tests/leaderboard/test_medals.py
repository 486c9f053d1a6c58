import pytest

from goldfold.leaderboard.medals import Position, medal_ranks, position


@pytest.mark.parametrize(
    ("teams", "ranks"),
    [
        (9, (0, 1, 3)),
        (99, (9, 19, 39)),
        (100, (10, 20, 40)),
        (249, (10, 49, 99)),
        (250, (10, 50, 100)),
        (999, (11, 50, 100)),
        (1000, (12, 50, 100)),
        (3611, (17, 180, 361)),
    ],
)
def test_medals_are_those_of_kaggles_table(teams, ranks):
    assert tuple(medal_ranks(teams).values()) == ranks


@pytest.mark.parametrize(("maximize", "scores"), [(True, [0.9, 0.8, 0.8, 0.7]), (False, [0.1, 0.2, 0.2, 0.3])])
def test_a_place_follows_the_metrics_direction_and_ties_share_the_better_one(maximize, scores):
    teams = scores * 25
    assert position(scores[0], teams, maximize) == Position(1, 100, "gold")
    assert position(scores[1], teams, maximize) == Position(26, 100, "bronze")
    worst = position(5 - 10 * maximize, teams, maximize)
    assert worst == Position(100, 100, "") and str(worst) == "place 100 of 100 (top 100.0%)"
