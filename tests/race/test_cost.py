"""What a configuration costs, scaled from a few rows."""

import pytest

from goldfold.race.cost import Line


def test_seconds_grow_along_the_line_through_both_numbers_of_rows():
    assert Line((100, 400), (1.5, 3.0)).at(1000) == pytest.approx(6.0)
    assert Line((100, 400), (1.5, 3.0)).at(300) == 3.0


def test_seconds_that_grow_faster_than_the_rows_go_on_so_but_no_steeper_than_the_square():
    assert Line((100, 400), (1.0, 8.0)).at(1600) == pytest.approx(64.0)
    assert Line((100, 400), (0.1, 80.0)).at(800) == pytest.approx(320.0)


def test_seconds_that_noise_makes_equal_still_grow():
    assert Line((100, 400), (2.0, 2.0)).at(2000) == pytest.approx(4.0)


def test_where_all_rows_were_tried_no_more_are_needed():
    assert Line((90, 90), (2.0, 2.2)).at(90) == 2.2
    assert Line((100, 400), (0.0, 0.0)).at(2000) == 0.0
