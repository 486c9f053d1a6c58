"""(Bundle, a competition's files) → submission.csv, for another test set than the run's."""

import time
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from goldfold.bundle.blend import BlendBundle
from goldfold.bundle.bundle import Bundle
from goldfold.bundle.pace import Pace, paced
from goldfold.bundle.packing import CARD, other_versions
from goldfold.bundle.turns import gpus, in_turn, read_test
from goldfold.competition import Competition
from goldfold.errors import exit_with_message
from goldfold.files import read_json, written_whole
from goldfold.prediction import Submission, check_submission

SAFE = 1.1
"""How much longer than measured a member may take, for another one to be begun."""


def predict_bundle(bundle: Path, data: Path, path: Path) -> None:
    """Predict the test set in the folder `data` and write the submission to `path`, checked against the sample submission.

    Of a blend, a submission stands after each member. Exits with a message and code 2 on bad input.
    """
    with exit_with_message():
        loaded = load_bundle(bundle)
        for line in other_versions(dict(loaded.versions)):
            print(f"{line}: predictions may differ in their last digits")
        if isinstance(loaded, Bundle):
            _predict_run(loaded, data, path)
        else:
            _predict_blend(loaded, bundle, data, path)


def load_bundle(folder: Path) -> Bundle | BlendBundle:
    """Read the bundle of a run or of a blend; raises InputError where there is none."""
    is_blend = (folder / CARD).is_file() and "members" in read_json(folder / CARD)
    return BlendBundle.load(folder) if is_blend else Bundle.load(folder)


def measure(bundle: Bundle, data: Path) -> Pace:
    """Measure the pace of a run's bundle on some test rows; see `paced`."""
    return paced(bundle.predict, read_test(bundle.name, bundle.problem, bundle.config, data))


def _predict_run(bundle: Bundle, data: Path, path: Path) -> None:
    start = time.monotonic()
    competition = read_test(bundle.name, bundle.problem, bundle.config, data)
    views = 1 + len(bundle.config.predict.tta)
    models = f"{bundle.ensemble.checkpoints} models, {views} view{'s' * (views > 1)} of each row"
    print(f"{len(competition.test)} test rows, {models}")
    _write(bundle.predict(competition), path)
    print(f"{path}: {_passed(competition)}, in {time.monotonic() - start:.0f} s")


def _predict_blend(blend: BlendBundle, folder: Path, data: Path, path: Path) -> None:
    """Predict by one member after another, and write the submission of those that have predicted.

    Ends before the limit is passed, by the members' measured times and how much longer this machine takes. A member that fails
    ends it too, with its error: the submission of those before it stands, where a notebook that fails has none.
    """
    start, done = time.monotonic(), list[pd.DataFrame]()
    competition = read_test(blend.name, blend.problem, blend.config, data)
    devices = gpus()
    print(f"{len(competition.test)} test rows, {len(blend.names)} members" + (f" on {devices} GPUs" if devices > 1 else ""))
    times = [pace.seconds(len(competition.test)) / devices for pace in blend.paces.values()]
    with in_turn(folder, data, devices) as members:
        for name, predict in members:
            past, planned = time.monotonic() - start, sum(times[: len(done)])
            needed = times[len(done)] * SAFE * max(1.0, past / planned if planned else 1.0)
            if done and past + needed > blend.hours * 3600:
                print(f"LEFT OUT    {name} and what follows: {needed:.0f} s more would pass the {blend.hours:g} hours")
                break
            try:
                done.append(predict())
            except Exception as error:
                if not done:
                    raise
                traceback.print_exc()
                print(f"LEFT OUT    {name} and what follows: {str(error).splitlines()[0]}")
                break
            _write(blend.blended(competition, done), path)
            took = time.monotonic() - start
            print(f"{path}: {len(done)} of {len(blend.names)} members, {name} the last, {took:.0f} s", flush=True)
    print(f"{path}: {_passed(competition)}")


def _write(submission: Submission, path: Path) -> None:
    with TemporaryDirectory() as folder:
        submission.save(Path(folder))
        content = (Path(folder) / "submission.csv").read_bytes()
    with written_whole(path) as draft:
        draft.write_bytes(content)
    check_submission(path, submission.sample, submission.problem)


def _passed(competition: Competition) -> str:
    return f"{len(competition.sample)} rows, passed the contract of the sample submission"
