"""The views of a competition's runs that the MLflow UI opens with: columns, order and charts.

MLflow keeps a shared view in a tag of the experiment, and opens it by the key in the address. Its fields are those of
ExperimentPageUIState.tsx, ExperimentPageSearchFacetsState.tsx and runs-charts.types.ts in MLflow's own source (3.17).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from goldfold.leaderboard.changes import UNSET, is_telling, setting
from goldfold.metrics import Metric
from goldfold.runs.run import Run
from goldfold.tracking.store import FOLD, OF_RUN, metric_name

SCORES, CURVES = "goldfold", "goldfold-curves"
"""The keys of the views: the results by their score, and their folds' curves."""
MOST_SETTINGS = 6
"""How many settings that differ are shown, at most."""
OF_FOLDS = ("best_epoch", "rows_per_second", "seconds")
"""Metrics of folds that need no chart."""


def shared_views(metric: Metric, runs: Sequence[Run]) -> dict[str, str]:
    """Return each view of a competition's runs as MLflow keeps it, by its key."""
    name = metric_name(metric.name)
    trained = [run for run in runs if f"{name}_low" in run.metrics and run.seconds]
    settings = differing(trained)
    scores = [
        _chart("score", "BAR", "scores", metricKey=name, runsCountToCompare=50),
        _chart("differing", "PARALLEL", "scores", selectedParams=settings, selectedMetrics=[name], showAllRuns=False),
    ]
    lines = [_line(key) for key in (name, "valid_loss", "train_loss", "lr")]
    # A metric without a chart would get one.
    others = {metric for run in runs for metric in run.metrics} | {f"best_{name}", *OF_FOLDS}
    hidden = sorted(others - {name, *(line["metricKey"] for line in lines)})
    return {
        SCORES: _view(
            name,
            settings,
            scores + [_hidden(key, "scores") for key in hidden],
            searchFilter=f"metrics.`{name}_low` > -1e300",
            orderByKey=_column("metrics", name),
            orderByAsc=not metric.maximize,
        ),
        # A shared view opens no run's folds: here they are the rows, and each run is a group of them.
        CURVES: _view(
            name,
            settings,
            lines + [_hidden(key, "folds") for key in hidden],
            searchFilter=f"tags.`{FOLD}` != ''",
            orderByKey=_column("metrics", f"best_{name}"),
            orderByAsc=not metric.maximize,
            groupBy={"aggregateFunction": "average", "groupByKeys": [{"mode": "tag", "groupByData": OF_RUN}]},
        ),
    }


def differing(runs: Sequence[Run]) -> list[str]:
    """Return the settings that are not the same in all runs, at most MOST_SETTINGS: those that most runs have come first."""
    names = [name for name in dict.fromkeys(name for run in runs for name in run.params) if is_telling(name)]
    values = {name: Counter(setting(run, name) for run in runs) for name in names}
    differ = [name for name in names if len(values[name]) > 1]
    return sorted(differ, key=lambda name: (values[name][UNSET], -len(values[name])))[:MOST_SETTINGS]


def _view(metric: str, settings: Sequence[str], charts: Sequence[Mapping[str, Any]], **more: Any) -> str:
    """A view as MLflow keeps it."""
    measured = [_column("metrics", key) for key in (metric, f"{metric}_low", f"{metric}_high", "training_seconds")]
    columns = [*measured, *(_column("params", key) for key in settings)]
    sections = {"scores": "Scores", "folds": "Curves of the folds"}
    used = {chart["metricSectionId"]: sections[chart["metricSectionId"]] for chart in charts}
    return json.dumps(
        {
            "startTime": "ALL",
            "lifecycleFilter": "Active",
            "datasetsFilter": [],
            "modelVersionFilter": "All Runs",
            "searchFilter": "",
            "selectedColumns": columns,
            "columnOrder": columns,
            "columnWidths": dict.fromkeys(measured, 110),
            "runsExpanded": {},
            "runsPinned": [],
            "runsHidden": [],
            "runsVisibilityMap": {},
            "runsHiddenMode": "FIRST_20_RUNS",
            "compareRunCharts": charts,
            "compareRunSections": [
                {"uuid": key, "name": title, "display": True, "isReordered": True, "deleted": False}
                for key, title in used.items()
            ],
            "isAccordionReordered": True,
            "viewMaximized": False,
            "runListHidden": False,
            "useGroupedValuesInCharts": True,
            "hideEmptyCharts": True,
            "groupBy": None,
            "groupsExpanded": {},
            "autoRefreshEnabled": True,
            "globalLineChartConfig": {"xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": ""},
            **more,
        }
    )


def _chart(uuid: str, kind: str, section: str, **fields: Any) -> dict[str, Any]:
    return {"uuid": uuid, "type": kind, "metricSectionId": section, "deleted": False, "isGenerated": False, **fields}


def _hidden(metric: str, section: str) -> dict[str, Any]:
    return _chart(metric, "BAR", section, metricKey=metric) | {"deleted": True}


def _line(metric: str) -> dict[str, Any]:
    """A chart of a metric of the folds by epoch."""
    return _chart(
        metric,
        "LINE",
        "folds",
        metricKey=metric,
        selectedMetricKeys=[metric],
        xAxisKey="step",
        xAxisScaleType="linear",
        scaleType="linear",
        lineSmoothness=0,
        useGlobalXaxisKey=True,
        useGlobalLineSmoothing=True,
        runsCountToCompare=50,
    )


def _column(kind: str, key: str) -> str:
    return f"{kind}.`{key}`"
