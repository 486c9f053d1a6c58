"""What prepare's image cache takes, and what a stage costs beyond its work."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from ruamel.yaml import YAML

from benchmarks import rivals
from benchmarks.measure import ROUNDS, Row, per_second, ratio, take_turns
from benchmarks.ours import PHOTO
from benchmarks.pictures import write_competition
from goldfold.modalities.image.cache import write_image_cache
from goldfold.modalities.image.settings import ImagePrepareConfig

ROOT = Path(__file__).parents[1]
SMOKE = {"model.name": "test_resnet", "+prepare.rows": 40, "train.epochs": 1, "validate.bootstrap": 10, "split.folds": [0]}


def image_cache(folder: Path) -> list[Row]:
    """Photos decoded and shrunk to 256 px."""
    write_competition(folder / "data", train=300, test=2, size=PHOTO)
    files = sorted((folder / "data/images").iterdir())
    timed = take_turns({"ours": partial(caching, folder / "cache", files), "theirs": partial(rivals.pillow_cache, files, 256)})
    found = ratio(timed["theirs"], timed["ours"])
    speeds = per_second(len(files), timed["ours"]), per_second(len(files), timed["theirs"])
    what, note = "prepare's image cache, 2 cores", "written to disk; the rival's stays in memory"
    return [Row(what, "one process, Pillow", *speeds, found, "2.5 x", found >= 2.5, note)]


def caching(folder: Path, files: list[Path]) -> Callable[[], None]:
    """The cache of `files`, written anew each time."""

    def run() -> None:
        write_image_cache(folder, files, ImagePrepareConfig(workers=2))

    return run


def overhead(folder: Path) -> list[Row]:
    """Each stage of the embedded competition with 40 rows and one epoch, and so hardly any work; the whole is counted."""
    clone = folder / "goldfold"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    tools = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}

    def run(*command: str) -> float:
        started = time.perf_counter()
        done = subprocess.run(command, cwd=clone, env=env, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return time.perf_counter() - started

    run("dvc", "repro", "data/demo/dvc.yaml")
    settings = [part for name, value in SMOKE.items() for part in ("-S", f"{name}={value}")]
    run("dvc", "exp", "run", *settings)
    stages = YAML(typ="safe").load((clone / "dvc.yaml").read_text())["stages"]
    rows = []
    for name, stage in stages.items():
        # Of the folds and seeds that there are, the first.
        command = re.sub(r"\$\{item\.\w+\}", "0", stage["cmd"]).split()
        seconds = []
        for _ in range(ROUNDS):
            # A training that is kept would not be repeated.
            shutil.rmtree(clone / ".goldfold/states", ignore_errors=True)
            seconds.append(run(*command))
        took = median(seconds)
        note = "all that it takes with 40 rows and 1 epoch"
        rows.append(Row(f"cost of the stage {name}", "-", f"{took:.1f} s", "-", None, "6 s", took <= 6, note))
    took = median(run("goldfold", "--help") for _ in range(ROUNDS))
    rows.append(Row("goldfold --help", "-", f"{took:.2f} s", "-", None, "0.3 s", took <= 0.3))
    return rows
