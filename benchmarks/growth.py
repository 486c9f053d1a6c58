"""How time and memory grow with the number of images, and with the rows of a table."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measure import table
from benchmarks.pictures import write_competition

COUNTS = (1_000, 10_000, 100_000)
ROW_COUNTS = (10_000, 100_000, 1_000_000)
BOOTSTRAP = 100
STEPS = ("read", "split", "prepare", "loader", "train", "validate", "predict")
SIDE = 32
READ = 20_000


def growth(folder: Path) -> str:
    """Prepare and read so many small images, each in a process of its own; return a table of times and memory."""
    lines = [["images", "prepare, ms per image", "loader, ms per image", "prepare, MB at most", "loader, MB at most"]]
    for count in COUNTS:
        write_competition(folder / str(count) / "data", train=count, test=2, size=(SIDE, SIDE))
        measured = [_measured("images", step, folder / str(count)) for step in ("prepare", "load")]
        times = [f"{one['seconds'] / one['rows'] * 1e3:.3f}" for one in measured]
        lines.append([f"{count:,}", *times, *(f"{one['megabytes']:.0f}" for one in measured)])
    return table(lines)


def growth_of_rows(folder: Path) -> str:
    """Take tables of so many rows through the pipeline, each step in a process of its own; return a table of times and memory."""
    lines = [["rows", *STEPS]]
    for count in ROW_COUNTS:
        _write_rows(folder / str(count) / "data", count)
        measured = [_measured("rows", step, folder / str(count)) for step in STEPS]
        cells = [f"{one['seconds'] / one['rows'] * 1e6:.1f} µs, {one['megabytes']:.0f} MB" for one in measured]
        lines.append([f"{count:,}", *cells])
    return table(lines)


def _measured(kind: str, step: str, folder: Path) -> dict[str, float]:
    """What a process that does one step says of it: CPU seconds, rows, and the most megabytes."""
    command = [sys.executable, "-m", "benchmarks.growth", kind, step, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _write_rows(root: Path, count: int) -> None:
    """A training table of 20 columns and a test table of a quarter of its rows."""
    draws = np.random.default_rng(0)
    root.mkdir(parents=True)
    for name, rows in (("train", count), ("test", count // 4)):
        columns: dict[str, Any] = {"id": [f"{name}{row}" for row in range(rows)]}
        columns |= {f"x{at}": draws.normal(size=rows).round(4) for at in range(15)}
        columns |= {f"c{at}": draws.choice(["red", "green", "blue"], rows) for at in range(4)}
        frame = pd.DataFrame(columns)
        answer = frame["x0"] + frame["x1"] * (frame["c0"] == "red") + draws.normal(size=rows)
        if name == "train":
            frame = frame.assign(y=np.where(answer > 0, "yes", "no"))
        else:
            frame[["id"]].assign(y="no").to_csv(root / "sample_submission.csv", index=False)
        frame.to_csv(root / f"{name}.csv", index=False)


class _Memory(threading.Thread):
    """Looks again and again at the memory of this process that no file backs: mapped pages are the system's to drop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._over = 0.0, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.01):
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.most = max(self.most, int(status["RssAnon"].split()[0]) / 1e3)

    def end(self) -> float:
        """The most megabytes that were seen."""
        self._over.set()
        self.join()
        return self.most


def _images(step: str, folder: Path, memory: _Memory) -> tuple[float, int]:
    from goldfold.competition import read_competition
    from goldfold.config import CompetitionConfig, SplitConfig
    from goldfold.modalities.image.settings import ImagePrepareConfig
    from goldfold.prepare import PreparedSet, prepare

    prepared = folder / "prepared"
    if step == "prepare":
        competition = read_competition(CompetitionConfig(path=str(folder / "data")))
        # What is imported and started once is not a cost of an image.
        prepare(competition, SplitConfig(), ImagePrepareConfig(rows=100), prepared.with_name("few"))
        memory.start()
        started = time.perf_counter()
        prepare(competition, SplitConfig(), ImagePrepareConfig(), prepared)
        return time.perf_counter() - started, len(competition.train) + len(competition.test)
    from goldfold.modalities.image.cache import ImageCache
    from goldfold.modalities.image.learning import ImageView
    from goldfold.training.batches import EpochSampler, training_batches

    loaded, images = PreparedSet.load(prepared), 0
    view = ImageView(ImageCache.load(prepared), {"size": SIDE, "channels": 3, "interpolation": "bilinear"})
    sampler = EpochSampler(np.arange(len(loaded.train)), 0)
    memory.start()
    started = time.perf_counter()
    while images < READ:
        images += sum(len(rows) for rows, _ in training_batches(view, sampler, 64, 0))
        sampler.epoch += 1
    return time.perf_counter() - started, images


def _rows(step: str, folder: Path, memory: _Memory) -> tuple[float, int]:
    """A step on the table in `folder`, after those before it; CPU seconds, since others may compute beside."""
    from goldfold.competition import read_competition
    from goldfold.config import parse_config
    from goldfold.inference.ensemble import Ensemble
    from goldfold.prediction.test_set import predict
    from goldfold.prepare import PreparedSet, prepare
    from goldfold.prepare.preparation import folds_of
    from goldfold.training import load_folds, train_fold
    from goldfold.training.reporter import Silent
    from goldfold.training.trainer import make_trainer
    from goldfold.validation.cross_validation import validate

    config = parse_config(
        {
            "competition": {"path": str(folder / "data"), "modality": "table", "metric": "roc_auc"},
            "split": {"n_folds": 2, "folds": [0, 1]},
            "model": {"name": "mlp", "hidden": [32]},
            "train": {"epochs": 1, "batch_size": 1024, "precision": "fp32", "workers": 0},
            "validate": {"bootstrap": BOOTSTRAP},
        }
    )
    place, trained = folder / "prepared", folder / "folds"
    if step in ("read", "split", "prepare"):
        competition = read_competition(config.competition) if step != "read" else None
        memory.start()
        started = time.process_time()
        competition = competition or read_competition(config.competition)
        if step == "split":
            folds_of(competition, config.split)
        if step == "prepare":
            prepare(competition, config.split, config.prepare, place)
        return time.process_time() - started, len(competition.train) + len(competition.test)
    prepared = PreparedSet.load(place)
    rows = len(prepared.train)
    if step == "loader":
        trainer = make_trainer(prepared, 0, 0, config, Silent())
        memory.start()
        started = time.process_time()
        seen = sum(len(numbers) for numbers, _ in trainer.batches)
        return time.process_time() - started, seen
    folds = load_folds(trained, [0, 1], [0]) if step != "train" else []
    memory.start()
    started = time.process_time()
    if step == "train":
        for fold in (0, 1):
            train_fold(prepared, fold, 0, config, trained / str(fold) / "0")
    elif step == "predict":
        predict(prepared, Ensemble(folds, config.predict))
        rows = len(prepared.test)
    else:
        validate(prepared, folds, config.validate_, config.predict)
    return time.process_time() - started, rows


def main(kind: str, step: str, folder: Path) -> None:
    memory = _Memory()
    seconds, rows = {"images": _images, "rows": _rows}[kind](step, folder, memory)
    print(json.dumps({"seconds": seconds, "rows": rows, "megabytes": memory.end()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
