"""(Bundle, a competition's files) → submission.csv, for another test set than the run's."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from goldfold.bundle.bundle import Bundle
from goldfold.competition import Competition, read_competition
from goldfold.errors import InputError, exit_with_message
from goldfold.imports import modality_part
from goldfold.inference.sources import OutsideRows
from goldfold.modalities.protocol import Outside
from goldfold.prediction import Submission, check_submission
from goldfold.prediction.test_set import submission_of
from goldfold.schema import Schema

SAMPLE = 256
"""Test rows to measure by, at most."""
WORTH = 1.2
"""How much longer all of them have to take than a quarter, to separate the time per row from the start."""


@dataclass(frozen=True)
class Pace:
    """The measured speed of a bundle: seconds to start and per test row, measured on `rows` rows."""

    start: float
    row: float
    rows: int

    def seconds(self, rows: int) -> float:
        """Return the seconds that so many test rows take on the machine that was measured."""
        return self.start + self.row * rows


def predict_bundle(bundle: Path, data: Path, path: Path) -> None:
    """Predict the test set in the folder `data` and write the submission to `path`, checked against the sample submission.

    Exits with a message and code 2 on bad input.
    """
    with exit_with_message():
        start, loaded = time.monotonic(), Bundle.load(bundle)
        for line in loaded.other_versions():
            print(f"{line}: predictions may differ in their last digits")
        competition = read_test(loaded, data)
        views = 1 + len(loaded.config.predict.tta)
        models = f"{loaded.ensemble.checkpoints} models, {views} view{'s' * (views > 1)} of each row"
        print(f"{len(competition.test)} test rows, {models}")
        submission = predict_test(loaded, competition)
        with TemporaryDirectory() as folder:
            submission.save(Path(folder))
            path.write_bytes((Path(folder) / "submission.csv").read_bytes())
        check_submission(path, competition.sample, loaded.problem)
        seconds = time.monotonic() - start
        print(f"{path}: {len(competition.sample)} rows, passed the contract of the sample submission, in {seconds:.0f} s")


def read_test(bundle: Bundle, data: Path) -> Competition:
    """Read the competition in `data`, whose columns stay texts: each model reads its own as in training.

    Raises InputError if its problem is not the bundle's.
    """
    config = bundle.config.competition.model_copy(update={"path": str(data), "name": bundle.problem.name})
    competition = read_competition(config, bundle.config.prepare, Schema())
    if competition.problem != bundle.problem:
        raise InputError(
            f"{data} sets another problem than {bundle.name} was trained for",
            [f"{name}: {here}, not {there}" for name, here, there in _differences(competition, bundle)],
            "name the competition's folder in the notebook, or correct competition in params.yaml, and train again",
        )
    return competition


def predict_test(bundle: Bundle, competition: Competition) -> Submission:
    """Predict the competition's test rows, without its training rows."""
    outside: Outside = modality_part(bundle.problem.modality, "outside")
    rows = OutsideRows(outside.test_rows(competition))
    submission = submission_of(bundle.ensemble, rows, competition.test, competition.sample)
    for row, reason in rows.unreadable.items():
        print(f"predicted as if blank: {competition.test[bundle.problem.id].iloc[row]}: {reason}")
    return submission


def measure(bundle: Bundle, data: Path) -> Pace:
    """Time some test rows and a quarter of them, after a warm-up.

    If the two hardly differ, all of the time counts as the rows', which errs on the safe side.
    """
    competition = read_test(bundle, data)
    many = min(SAMPLE, len(competition.test))
    few = max(1, many // 4)
    _timed(bundle, competition, few)
    short, long = _timed(bundle, competition, few), _timed(bundle, competition, many)
    if long < WORTH * short:
        return Pace(0.0, long / many, many)
    row = (long - short) / (many - few)
    return Pace(max(long - row * many, 0.0), row, many)


def _timed(bundle: Bundle, competition: Competition, rows: int) -> float:
    start = time.monotonic()
    predict_test(bundle, replace(competition, test=competition.test.iloc[:rows]))
    return time.monotonic() - start


def _differences(competition: Competition, bundle: Bundle) -> list[tuple[str, object, object]]:
    here, there = competition.problem.to_json(), bundle.problem.to_json()
    return [(name, here[name], there[name]) for name in here if here[name] != there[name]]
