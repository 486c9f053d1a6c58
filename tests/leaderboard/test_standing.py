from datetime import UTC, datetime, timedelta

import pytest
from tests.leaderboard.runs import begun, result

from goldfold.leaderboard import agreements, ranked, standings
from goldfold.metrics import METRICS
from goldfold.tracking.store import metric_tags
from goldfold.tracking.submissions import Sending, sent_on

ACCURACY, RMSE = METRICS["accuracy"], METRICS["rmse"]


def changes(*results):
    return {run.name: (run.change.parent, run.change.words) for run in standings(results, ACCURACY)[0]}


def test_a_run_is_told_by_what_it_changed_against_the_earlier_run_most_like_it():
    changed = changes(
        result("first", 0.9, params={"train.lr": "0.003", "train.epochs": "6", "train.loss": "None"}),
        result("longer", 0.9, params={"train.lr": "0.003", "train.epochs": "9"}),
        result("slower", 0.9, params={"train.lr": "0.001", "train.epochs": "6", "train.loss.name": "focal"}),
        result("both", 0.9, params={"train.lr": "0.001", "train.epochs": "9", "competition.kaggle": "titanic"}),
    )
    assert changed == {
        "first": ("", ()),
        "longer": ("first", ("train.epochs 6 → 9",)),
        "slower": ("first", ("train.lr 0.003 → 0.001", "train.loss.name – → focal")),
        "both": ("longer", ("train.lr 0.003 → 0.001",)),
    }


def test_where_no_setting_differs_it_is_the_data_or_the_code():
    commit, data = "mlflow.source.git.commit", "goldfold.data"
    changed = changes(
        result("first", 0.9, tags={commit: "a" * 40, data: "1"}),
        result("code", 0.9, tags={commit: "b" * 40, data: "1"}),
        result("data", 0.9, tags={commit: "b" * 40, data: "2"}),
        result("edit", 0.9, tags={commit: "b" * 40, data: "2"}),
        result("blend", 0.9, tags={"goldfold.members": "first (1), code (2)"}),
        result("again", 0.9, tags={commit: "b" * 40, data: "2"}),
    )
    assert changed["code"] == ("first", ("code aaaaaaa → bbbbbbb",)) and changed["data"] == ("code", ("the data",))
    assert changed["edit"] == ("data", ("code that is not committed",))
    assert changed["blend"] == ("", ("blend of first (1), code (2)",)) and changed["again"][0] == "edit"


def test_runs_on_few_rows_and_of_other_metrics_are_left_out_and_told():
    others = [result("few", 0.5, params={"prepare.rows": "60"}), result("other", 3.0, metric="rmse")]
    apart = result("compare a b", None, more={"accuracy_difference": 0.1, "difference_low": 0.0})
    standing, left_out = standings([result("whole", 0.9), *others, apart], ACCURACY)
    assert [run.name for run in standing] == ["whole"]
    assert left_out == "1 on a few rows (prepare.rows) and 1 scored by another metric"


def test_runs_scored_with_other_arguments_of_the_metric_are_left_out():
    runs = [result("plain", 0.9), result("weighed", 0.8, tags=metric_tags({"sample_weight": "w"}))]
    assert [run.name for run in standings(runs, ACCURACY)[0]] == ["plain"]
    standing, left_out = standings(runs, ACCURACY, {"sample_weight": "w"})
    assert ([run.name for run in standing], left_out) == (["weighed"], "1 scored by another metric")


def test_the_order_follows_the_metrics_direction():
    def order(metric, by):
        runs = [
            result("b", 0.2, metric=metric.name, public=0.5, hours=1),
            result("a", 0.3, metric=metric.name, hours=2),
            result("c", float("nan"), metric=metric.name, public=0.1, hours=3),
        ]
        return "".join(run.name for run in ranked(standings(runs, metric)[0], by, metric.maximize))

    assert [order(ACCURACY, by) for by in ("cv", "public", "time", "name")] == ["abc", "bca", "cab", "abc"]
    assert [order(RMSE, by) for by in ("cv", "public", "time", "name")] == ["bac", "cba", "cab", "abc"]


def test_kaggles_score_goes_before_that_of_the_local_solution():
    local = {"accuracy_test_public": 0.5, "accuracy_test_private": 0.6, "accuracy_test": 0.55}
    (standing,), _ = standings([result("a", 0.9, public=0.7, more=local)], ACCURACY)
    assert standing.scores == {"public": 0.7, "private": 0.6, "test": 0.55}


def test_the_rank_correlation_says_when_runs_are_too_few():
    def agreement(pairs):
        runs = [result(str(number), cv, public=public) for number, (cv, public) in enumerate(pairs)]
        (agreement,) = agreements(standings([*runs, result("unsent", 0.1)], ACCURACY)[0])
        return agreement

    two = agreement([(0.1, 0.2), (0.2, 0.3)])
    assert two.spearman is None and str(two) == "no rank correlation of 2 runs: it takes 3, not all equal"
    assert agreement([(0.1, 0.2), (0.2, 0.2), (0.3, 0.2)]).spearman is None
    three = agreement([(0.1, 0.2), (0.2, 0.3), (0.3, 0.9)])
    assert three.spearman == pytest.approx(1) and str(three).endswith("of 3 runs; so few may agree by chance")
    six = agreement([(0.1, 0.2), (0.2, 0.1), (0.3, 0.4), (0.4, 0.3), (0.5, 0.6), (0.6, 0.5)])
    assert six.spearman == pytest.approx(1 - 6 * 6 / (6 * 35)) and str(six) == "rank correlation +0.83 (Spearman) of 6 runs"


def test_a_day_is_counted_from_midnight_to_midnight_utc():
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    moments = [midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=23)]
    assert sent_on(begun(12), moments) == 2
    assert sent_on(datetime.fromisoformat("2026-11-21T23:30:00-02:00"), moments) == 0


def test_what_was_sent_is_read_back_from_the_tags_oldest_first():
    sent = [Sending(ref, begun(hour), f"“{ref}”", "f" * 64, 5, "complete", "", 0.7) for ref, hour in ((101, 5), (100, 3))]
    (standing,), _ = standings([result("a", 0.9, sent=sent)], ACCURACY)
    assert standing.sent == tuple(reversed(sent))
