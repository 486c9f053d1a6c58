"""(Bundle, a competition's files) → submission.csv, where the test set may be another than when the run was made."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from goldfold.bundle.bundle import Bundle
from goldfold.competition import Competition, read_competition
from goldfold.errors import InputError, told_to_people
from goldfold.imports import modality_part
from goldfold.inference.sources import OutsideRows
from goldfold.modalities.protocol import Outside
from goldfold.prediction import Submission, check_submission
from goldfold.prediction.test_set import submission_of

SAMPLE = 256
"""Test rows to measure by, at most."""
WORTH = 1.2
"""How many times longer all of them have to take than a quarter of them to tell rows from the start."""


@dataclass(frozen=True)
class Pace:
    """How long a bundle takes, measured: seconds in any case, and seconds for each test row; by so many rows."""

    start: float
    row: float
    rows: int

    def seconds(self, rows: int) -> float:
        """The seconds that so many test rows will take on the machine that it was measured on."""
        return self.start + self.row * rows


def predict_bundle(bundle: Path, data: Path, path: Path) -> None:
    """Predict the test set in the folder `data` and write the submission to `path`, checked against the sample submission.

    Ends with a message and exit code 2 for what is wrong.
    """
    with told_to_people():
        begun, kept = time.monotonic(), Bundle.load(bundle)
        for line in kept.other_versions():
            print(f"{line}: predictions may differ in their last digits")
        competition = read_test(kept, data)
        views = 1 + len(kept.config.predict.tta)
        print(
            f"{len(competition.test)} test rows, {kept.ensemble.checkpoints} models, {views} view{'s' * (views > 1)} of each row"
        )
        submission = predict_test(kept, competition)
        with TemporaryDirectory() as folder:
            submission.save(Path(folder))
            path.write_bytes((Path(folder) / "submission.csv").read_bytes())
        check_submission(path, competition.sample, kept.problem)
        seconds = time.monotonic() - begun
        print(f"{path}: {len(competition.sample)} rows, passed the contract of the sample submission, in {seconds:.0f} s")


def read_test(bundle: Bundle, data: Path) -> Competition:
    """Read the competition in `data`; raises InputError where it is another problem than the bundle's."""
    competition = read_competition(bundle.config.competition.model_copy(update={"path": str(data), "name": bundle.problem.name}))
    if competition.problem != bundle.problem:
        raise InputError(
            f"{data} sets another problem than {bundle.name} was trained for",
            [f"{name}: {here}, not {there}" for name, here, there in _differences(competition, bundle)],
            "name the competition's folder in the notebook, or name what differs in params.yaml, competition, and train again",
        )
    return competition


def predict_test(bundle: Bundle, competition: Competition) -> Submission:
    """Predict the competition's test rows; of its training rows nothing is read."""
    outside: Outside = modality_part(bundle.problem.modality, "outside")
    rows = OutsideRows(outside.test_rows(competition))
    submission = submission_of(bundle.ensemble, rows, competition.test, competition.sample)
    for row, reason in rows.unreadable.items():
        print(f"predicted as if blank: {competition.test[bundle.problem.id].iloc[row]}: {reason}")
    return submission


def measure(bundle: Bundle, data: Path) -> Pace:
    """Measure how long the test rows take, by some of them and by a quarter of these, after a first time that warms up.

    Where the two hardly differ, all of the time is put down to the rows: that errs on the safe side.
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
    begun = time.monotonic()
    predict_test(bundle, replace(competition, test=competition.test.iloc[:rows]))
    return time.monotonic() - begun


def _differences(competition: Competition, bundle: Bundle) -> list[tuple[str, object, object]]:
    here, there = competition.problem.to_json(), bundle.problem.to_json()
    return [(name, here[name], there[name]) for name in here if here[name] != there[name]]
