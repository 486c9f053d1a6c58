"""`goldfold bundle`: a run as a code competition takes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from goldfold.errors import InputError
from goldfold.runs.paths import BUNDLES, CURRENT, PREPARED

if TYPE_CHECKING:
    from goldfold.bundle import Bundle


def bundle_run(
    run: str, out: Path | None, data: Path | None, test_rows: int | None, hours: float, megabytes: float, wheels: Sequence[str]
) -> None:
    """Write a run's bundle, and say how large it is and how long it will take, measured here by the test rows there are."""
    from goldfold.bundle.rerun import measure
    from goldfold.imports import modality_part
    from goldfold.prepare import PreparedSet
    from goldfold.terminal import clock

    problem = PreparedSet.load(PREPARED).problem
    bundle = _of_current() if run == "current" else _of_run(run)
    modality_part(problem.modality, "outside")
    folder = out or BUNDLES / bundle.name
    size = bundle.save(folder, data or Path("/kaggle/input") / problem.name, megabytes, wheels)
    views = 1 + len(bundle.config.predict.tta)
    print(f"bundle      {folder}: {size / 1e6:.1f} MB of {megabytes:g}, {bundle.models} models; its notebook is predict.ipynb")
    pace = measure(bundle, Path(bundle.config.competition.path))
    rows = test_rows or len(PreparedSet.load(PREPARED).test)
    seconds = pace.seconds(rows)
    models = f"{bundle.models} models x {views} view{'s' * (views > 1)}"
    print(f"time        {clock(seconds)} of {hours:g} hours for {rows} test rows x {models}")
    print(f"            at {1 / pace.row:.0f} rows/s, measured here on {pace.rows} rows, from their files to the submission")
    if seconds > hours * 3600:
        print("TOO SLOW    for the competition: fewer folds, seeds or predict.tta, a smaller model, or a faster machine there")


def _of_current() -> "Bundle":
    from goldfold.bundle import Bundle
    from goldfold.config import load_config
    from goldfold.prepare import PreparedSet
    from goldfold.tracking import read_origin
    from goldfold.training import load_folds
    from goldfold.validation import CVResult

    config, problem = load_config(), PreparedSet.load(PREPARED).problem
    folds = load_folds(CURRENT / "folds", config.split.folds, config.train.seeds)
    steps = CVResult.load(CURRENT / "cv", problem).postprocess.steps
    name = read_origin(CURRENT / "tracking" / "predict.json").get("name", "current")
    return Bundle(name, config, problem, folds, steps)


def _of_run(name: str) -> "Bundle":
    from goldfold.bundle import Bundle
    from goldfold.config import parse_config
    from goldfold.files import read_json
    from goldfold.inference.postprocess import Postprocess
    from goldfold.tracking.results import TrackedResult
    from goldfold.training import load_folds

    found = TrackedResult.find(name)
    place = found.store.folder(found.id, "folds")
    if place is None or not (place / "params.json").is_file():
        raise InputError(
            f"the MLflow run {name} has no checkpoints of its folds",
            mend="name a whole pipeline result that was not pruned; of a blend, bundle its members",
        )
    config = parse_config(read_json(place / "params.json"), f"the run {name}")
    folds = load_folds(place, config.split.folds, config.train.seeds)
    steps = Postprocess.from_json(read_json(found.folder("cv") / "postprocess.json")).steps
    return Bundle(found.name, config, folds[0].codec.problem, folds, steps)
