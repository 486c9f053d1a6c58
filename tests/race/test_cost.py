"""What a configuration costs, scaled from a few rows."""

import pytest

from goldfold.race.cost import Line, Rows, measured_cost


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


FINETUNED = {"head_epochs": 2, "head_lr": 0.01, "unfreeze_every": 1}
HARD = {
    "scheduler": {"name": "OneCycleLR", "pct_start": 0.25},
    "epochs": 9,
    "average": {"name": "swa", "start": 6},
}


@pytest.mark.slow
@pytest.mark.parametrize("finetune", [FINETUNED, {"train": "head", "feature_views": 3}])
def test_a_network_is_tried_whatever_its_schedule_and_known_after(digits, settings, weights, tmp_path, finetune):
    config = settings(model={"pretrained": True, "weights": weights}, finetune=finetune, **HARD)
    config = config.model_copy(update={"split": config.split.model_copy(update={"folds": (0, 1, 2)})})
    kept = tmp_path / "cost.json"
    cost = measured_cost(digits, config, lambda: None, kept)
    assert cost.has_epochs and cost.epoch.rows == (16, 64) and min(cost.epoch.seconds) > 0
    assert measured_cost(digits, config, lambda: None, kept) == cost
    rows = Rows.of(digits, (0, 1, 2))
    assert cost.of_all(rows, config, 1) > cost.of_all(rows, config, 3) > 0
    assert cost.of_all(rows.times(100, 1), config, 3) > cost.of_all(rows, config, 3) and cost.checkpoint > 1000


@pytest.mark.slow
def test_a_cost_that_was_cut_short_is_not_kept(digits, settings, tmp_path):
    measured_cost(digits, settings(epochs=9), lambda: "interrupted", tmp_path / "cost.json")
    assert not (tmp_path / "cost.json").exists()


@pytest.mark.slow
def test_what_would_take_too_long_is_not_measured_and_its_seconds_grow_with_the_rows(digits, settings, tmp_path):
    cost = measured_cost(digits, settings(epochs=9), lambda: None, tmp_path / "cost.json", within=0.001)
    assert cost.epoch.rows == (16, 16) and cost.epoch.at(160) == pytest.approx(10 * cost.epoch.seconds[1])
