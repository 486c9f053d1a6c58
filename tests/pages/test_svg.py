import numpy as np
import pytest

from goldfold.pages.svg import Frame, Scale, scale_of


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (Scale(0.9912, 0.9968), [0.992, 0.994, 0.996]),
        (Scale(3, 3), [3]),
        (Scale(0.05, 0.4, log=True), [0.05, 0.1, 0.2]),
        (Scale(0.002, 2000, log=True), [0.01, 0.1, 1, 10, 100, 1000]),
    ],
)
def test_ticks_are_round_and_on_the_axis(scale, ticks):
    assert scale.ticks() == pytest.approx(ticks)


def test_an_axis_holds_all_that_is_finite():
    scale = scale_of([np.array([1.0, np.nan]), np.array([5.0, np.inf])], "x", room=0.25)
    assert (scale.low, scale.high) == (0.0, 6.0)
    assert scale_of([np.array([-1.0, 5.0])], "x", log=True).log is False
    assert scale_of([np.array([2.0])], "x").low < 2 < scale_of([np.array([2.0])], "x").high
    assert scale_of([np.array([np.nan])], "x").ticks()


def test_larger_values_lie_higher_and_what_is_not_finite_is_left_out():
    frame = Frame(Scale(0, 10), Scale(1, 100, log=True))
    (left, bottom), (middle, half), (right, top) = frame.places(np.array([0, 5, 10]), np.array([1, 10, 100]))
    assert left < middle < right and bottom > half > top
    assert middle - left == pytest.approx(right - middle) and bottom - half == pytest.approx(half - top)
    assert frame.line(np.array([0, 5, 10]), np.array([1, np.nan, 100]), "line").count(",") == 2
