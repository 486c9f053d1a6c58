"""What it brings to train the folds at once; one round of each, since a round takes a minute."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Row
from goldfold.config.params import load_config, save_config
from goldfold.config.runtime import RuntimeConfig

ROOT = Path(__file__).parents[1]
RIVALS = {
    "one after another, a thread each": (RuntimeConfig(jobs=1, threads=1), 1.4),
    "one after another, all cores": (RuntimeConfig(jobs=1, threads=os.cpu_count() or 1), 1.5),
}


def folds_at_once(folder: Path) -> list[Row]:
    """The stage train of the embedded competition, five folds, in turns."""
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
