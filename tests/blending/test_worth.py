from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from tests.blending.test_blended import BINARY, VALUE, judged, level_one, tables

from goldfold.blending import BlendSettings
from goldfold.blending.worth import worths
from goldfold.config import ValidateConfig

CONFIG = ValidateConfig(bootstrap=200, worst=5)


def level_of(problem, truth, members):
    oof = tables(problem, truth, members)
    return level_one(problem, judged(problem, oof), oof)


@pytest.fixture
def errors():
    """Three members of a value: two that err independently, and a third that is the first once more."""
    draws = np.random.default_rng(0)
    truth = draws.normal(size=400)
    first, second = truth + draws.normal(size=400), truth + draws.normal(size=400)
    return level_of(VALUE, truth, {"first": first, "second": second, "again": first.copy()})


@pytest.mark.parametrize("method", ["ridge", "hill", "stack"])
def test_a_member_is_worth_what_the_nested_score_loses_without_it(errors, method):
    found = {worth.name: worth for worth in worths(errors, BlendSettings(method, "predictions"), CONFIG)}
    assert list(found) == ["first", "second", "again"]
    assert found["second"].gain > 0.1 and found["second"].is_more_than_noise
    assert all(abs(found[name].gain) < 0.02 for name in ("first", "again"))
    assert all(worth.low < worth.gain < worth.high or worth.low == worth.gain == worth.high for worth in found.values())
    assert (found["second"].weight is None) == (method == "stack")


def test_the_interval_is_that_of_the_paired_difference(errors):
    found = {worth.name: worth for worth in worths(errors, BlendSettings("equal", "predictions"), CONFIG)}
    rest = errors.without("second").values.mean(axis=0)
    truth, whole = errors.table["y"].to_numpy(), errors.values.mean(axis=0)
    gain = np.sqrt(((rest - truth) ** 2).mean()) - np.sqrt(((whole - truth) ** 2).mean())
    assert found["second"].gain == pytest.approx(gain)
    # The deviation of a difference of two roots of means, by the delta method.
    influence = (rest - truth) ** 2 / (2 * np.sqrt(((rest - truth) ** 2).mean()))
    influence = influence - (whole - truth) ** 2 / (2 * np.sqrt(((whole - truth) ** 2).mean()))
    width = 1.96 * influence.std() / np.sqrt(len(truth))
    assert found["second"].high - found["second"].gain == pytest.approx(width, rel=0.15)
    assert found["second"].correlation == pytest.approx(np.corrcoef(errors.values[1], rest)[0, 1])


def test_where_more_is_better_a_helpful_member_has_a_positive_worth():
    draws = np.random.default_rng(0)
    truth = draws.integers(0, 2, 600)
    signal = {name: 1 / (1 + np.exp(-(truth - 0.5 + draws.normal(size=600)))) for name in "ab"}
    level = level_of(BINARY, truth, signal | {"noise": draws.random(600)})
    found = {worth.name: worth for worth in worths(level, BlendSettings("logistic", "logits"), CONFIG)}
    assert min(found["a"].gain, found["b"].gain) > 0.01 > abs(found["noise"].gain)
    assert found["noise"].weight < 0.1 < found["a"].weight


def test_rows_of_a_group_are_drawn_together():
    draws = np.random.default_rng(0)
    truth = np.repeat(draws.normal(size=40), 10)
    shifts = [np.repeat(draws.normal(size=40), 10) for _ in range(2)]
    level = level_of(VALUE, truth, {"a": truth + shifts[0], "b": truth + shifts[1]})
    groups = pd.Series(np.repeat(np.arange(40), 10), index=level.table["id"])
    settings = BlendSettings("equal", "predictions")
    wide, narrow = (next(iter(worths(level, settings, CONFIG, each))) for each in (groups, None))
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low) and wide.gain == narrow.gain


def test_many_values_take_fewer_resamples(errors, monkeypatch):
    import goldfold.blending.worth as module

    seen = []
    real = module.resampled_scores
    monkeypatch.setattr(module, "resampled_scores", lambda *args: seen.append(args[3]) or real(*args))
    for most in (3e9, 60 * errors.values.size, 0):
        monkeypatch.setattr(module, "MOST_VALUES", most)
        next(iter(worths(errors, BlendSettings("equal", "predictions"), CONFIG)))
    assert [a for a, b in pairwise(seen) if a == b] == [200, 60, 30]
