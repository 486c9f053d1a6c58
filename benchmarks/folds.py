"""What it brings to train the folds at once, and one fold by several processes."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks.measure import Row
from benchmarks.ours import prepared_set
from goldfold.competition.demo import write_digits
from goldfold.config.params import load_config, save_config
from goldfold.config.runtime import RuntimeConfig
from goldfold.engines.folds import train_folds
from goldfold.training.reporter import Silent
from goldfold.training.stopping import never

ROOT = Path(__file__).parents[1]
RIVALS = {
    "one after another, a thread each": (RuntimeConfig(jobs=1, threads=1), 1.4),
    "one after another, all cores": (RuntimeConfig(jobs=1, threads=os.cpu_count() or 1), 1.5),
}


def folds_at_once(folder: Path) -> list[Row]:
    """The stage train of the embedded competition, five folds, in turns; one round of each, since a round takes a minute."""
    clone = folder / "goldfold"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    shutil.copy(ROOT / "data/demo/params.yaml", clone / "params.yaml")
    tools = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT / "src")}

    def run(*command: str) -> float:
        started = time.perf_counter()
        subprocess.run(command, cwd=clone, env=env, capture_output=True, check=True)
        return time.perf_counter() - started

    run("dvc", "repro", "prepare")
    config = load_config(clone / "params.yaml")
    runtimes = {"ours": RuntimeConfig()} | {name: runtime for name, (runtime, _) in RIVALS.items()}
    seconds: dict[str, float] = {}
    for name, runtime in runtimes.items():
        save_config(config.model_copy(update={"runtime": runtime}), clone / "params.yaml")
        shutil.rmtree(clone / ".goldfold/states", ignore_errors=True)
        out = ("--out", "experiments/current/folds", "--runs", "experiments/current/tracking/train.json")
        seconds[name] = run("python", "pipelines/train.py", "--prepared", "data/prepared", *out)
    rows = []
    for name, (_, least) in RIVALS.items():
        found = seconds[name] / seconds["ours"]
        ours, theirs = (f"{seconds[which]:.1f} s" for which in ("ours", name))
        what, note = "stage train, the demo's five folds", "imports and MLflow too; one round"
        rows.append(Row(what, name, ours, theirs, found, f"{least} x", found >= least, note))
    return rows


def fold_by_two(folder: Path) -> list[Row]:
    """The epochs of one fold by two processes with a thread each, and by one with two threads, in turns."""
    write_digits(folder / "data", folder / "solution.csv")
    rows = []
    for name in ("test_resnet", "resnet18"):
        found: dict[int, list[float]] = {2: [], 1: []}
        for turn in range(6):
            devices = 1 + turn % 2
            found[devices].append(_rows_per_second(folder, name, devices, folder / f"{name}-{turn}"))
        ratio = median(two / one for two, one in zip(found[2], found[1], strict=True))
        two, one = (f"{median(speeds):,.0f} rows/s" for speeds in found.values())
        what, note = f"training {name} at 32 px by two processes", "gloo; batches of 64; no promise"
        rows.append(Row(what, "one process with two threads", two, one, ratio, "-", True, note))
    return rows


def _rows_per_second(folder: Path, name: str, devices: int, out: Path) -> float:
    """The training rows per second after the first epoch."""
    sections = {
        "split": {"folds": [0]},
        "prepare": {"rows": 300},
        "model": {"name": name, "image_size": 32},
        "train": {"epochs": 3, "batch_size": 64, "precision": "fp32", "workers": 0},
        "runtime": {"jobs": 1, "threads": 2, "devices_per_job": devices},
    }
    prepared, config = prepared_set(folder, sections)
    (result,) = train_folds(prepared, config, out / "folds", out / "scratch", lambda _: Silent(), never)
    return float(result.history["rows_per_second"][1:].median())
