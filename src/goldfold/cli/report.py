"""`goldfold report`: a run in one HTML file."""

from contextlib import suppress
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import CURRENT, PREPARED, REPORTS
from goldfold.runs.run import find_runs

if TYPE_CHECKING:
    from goldfold.config import Config
    from goldfold.tracking.results import TrackedResult


def write_run_report(name: str) -> None:
    """Write the report of the current result, with its test score where that is known, or of an MLflow run.

    That of the current result goes to its run too. A run that has a report gives that; another one, such as a blend, is told as
    far as its artifacts go.
    """
    from goldfold.config import load_config
    from goldfold.report import PAGE, save_report
    from goldfold.tracking import log_report, read_origin
    from goldfold.tracking.results import TrackedResult

    config = load_config()
    origin = read_origin(CURRENT / "tracking" / "predict.json") if name == "current" else {}
    found = None if name == "current" else TrackedResult.find(name)
    page = _of_current(config, origin) if found is None else _of_run(config, found)
    path = REPORTS / (found.name if found else origin.get("name", name)) / PAGE
    save_report(page, path)
    if origin:
        log_report(origin, path)
    print(f"report      {path}: {path.stat().st_size / 1e6:.2g} MB, one file, for any browser")


def _of_current(config: "Config", origin: dict[str, str]) -> str:
    from goldfold.cli.summary import test_score
    from goldfold.prepare import PreparedSet
    from goldfold.report import About, build_report
    from goldfold.tracking import flat_params, provenance
    from goldfold.tracking.results import TrackedResult
    from goldfold.training import load_folds
    from goldfold.validation import CVResult

    prepared = PreparedSet.load(PREPARED)
    folds = load_folds(CURRENT / "folds", config.split.folds, config.train.seeds)
    for fold in folds:
        fold.require_prepared(prepared)
    submission = CURRENT / "submission" / "submission.csv"
    known = test_score(submission, config.competition, prepared.problem, prepared.test)[0] if submission.is_file() else None
    tags = provenance()
    # Its run, where the store answers, knows which code it was, however that changed since.
    with suppress(InputError):
        tags = dict(TrackedResult.find(origin.get("name", "")).tags)
    about = About(origin.get("name", "current"), flat_params(config), tags, known)
    return build_report(prepared, CVResult.load(CURRENT / "cv", prepared.problem), folds, about)


def _of_run(config: "Config", found: "TrackedResult") -> str:
    from goldfold.prepare import PreparedSet
    from goldfold.report import PAGE, About, build_report
    from goldfold.training import FoldResult

    kept = found.store.folder(found.id, "report")
    if kept is not None:
        return (kept / PAGE).read_text(encoding="utf-8")
    prepared = PreparedSet.load(PREPARED)
    (run,) = find_runs([found.id], config)
    cv, model = run.cv(prepared.problem), found.store.folder(found.id, "model/data/fold")
    about = About(found.name, found.params, found.tags, found.metrics.get(f"{cv.scores.metric}_test"))
    return build_report(prepared, cv, [FoldResult.load(model)] if model else [], about)
