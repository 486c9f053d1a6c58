"""The views that MLflow's UI opens with; tests/pipeline looks at what the store keeps of them."""

import json

from tests.leaderboard.runs import result

from goldfold.leaderboard.mlflow_view import CURVES, MOST_SETTINGS, SCORES, differing, shared_views
from goldfold.metrics import METRICS

RUNS = [
    result("old", 3.0, "rmse", params={"train.lr": "0.1", "model.name": "mlp", "train.loss": "None"}, seconds=1),
    result("new", 2.0, "rmse", params={"train.lr": "0.2", "model.name": "mlp", "competition.path": "x"}, seconds=1),
    result("blend", 1.0, "rmse", params={"blend.method": "hill"}, tags={"goldfold.members": "old (1), new (2)"}),
]


def test_results_are_sorted_by_score_with_their_interval_and_what_differs_as_columns():
    view = json.loads(shared_views(METRICS["rmse"], RUNS)[SCORES])
    assert (view["orderByKey"], view["orderByAsc"]) == ("metrics.`rmse`", True)
    shown = ["metrics.`rmse`", "metrics.`rmse_low`", "metrics.`rmse_high`", "metrics.`training_seconds`", "params.`train.lr`"]
    assert view["selectedColumns"] == shown
    # Folds have no interval.
    assert view["searchFilter"] == "metrics.`rmse_low` > -1e300"
    assert not json.loads(shared_views(METRICS["accuracy"], RUNS)[SCORES])["orderByAsc"]


def test_the_curves_are_those_of_the_folds_each_run_a_group_of_them():
    views = shared_views(METRICS["rmse"], RUNS)
    view = json.loads(views[CURVES])
    assert view["searchFilter"] == "tags.`goldfold.fold` != ''" and view["orderByKey"] == "metrics.`best_rmse`"
    assert view["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "goldfold.run"}]
    assert charts(view) == ["rmse", "valid_loss", "train_loss", "lr"]
    scores = json.loads(views[SCORES])
    assert charts(scores) == ["rmse", None] and scores["compareRunCharts"][1]["selectedParams"] == ["train.lr"]


def charts(view):
    sections = {section["uuid"] for section in view["compareRunSections"]}
    assert {chart["metricSectionId"] for chart in view["compareRunCharts"]} == sections
    return [chart.get("metricKey") for chart in view["compareRunCharts"] if not chart["deleted"]]


def test_a_setting_that_all_runs_have_comes_before_one_of_a_few():
    many = [result(str(n), 1.0, params={f"model.args.{n}": "1", "model.name": str(n % 2), "train.lr": str(n)}) for n in range(9)]
    assert differing(many)[:2] == ["train.lr", "model.name"] and len(differing(many)) == MOST_SETTINGS


def test_without_runs_there_is_a_view():
    assert json.loads(shared_views(METRICS["rmse"], [])[SCORES])["selectedColumns"]
