"""Whole `dvc repro`s that are killed, or run two at once: the same command goes on to the same bits."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress

import psutil
import pytest
from tests.pipeline.conftest import copy_of_the_working_tree

pytestmark = pytest.mark.faults

PARAMS = """
competition: {path: data/raw/tiny, modality: table, metric: accuracy}
split: {n_folds: 3, folds: [0, 1]}
train: {epochs: 2, workers: 0, precision: fp32}
model: {name: mlp}
"""
STAYS = ("folds/0/0/model.safetensors", "folds/1/0/model.safetensors", "cv/oof.parquet", "submission/submission.csv")
RUNS = ["FINISHED"] * 3
"""Those of the parent and of two folds."""


@pytest.fixture(scope="module")
def start(tiny_repository, tmp_path_factory):
    """A clone in which nothing ran yet, with the tiny competition."""
    clone = copy_of_the_working_tree(tmp_path_factory.mktemp("start") / "goldfold")
    (clone.folder / "data/raw/tiny").symlink_to(tiny_repository / "data/raw/tiny")
    (clone.folder / "params.yaml").write_text(PARAMS)
    return clone


@pytest.fixture(scope="module")
def whole(start, tmp_path_factory):
    """What a run that nothing disturbed left, and the seconds it took."""
    clone, started = start.copy_to(tmp_path_factory.mktemp("whole") / "goldfold"), time.monotonic()
    clone.run("dvc", "repro")
    return left_by(clone), time.monotonic() - started


def left_by(clone):
    """What a run leaves: bits, and how its runs in MLflow ended."""
    content = {name: (clone.folder / "experiments/current" / name).read_bytes() for name in STAYS}
    return content | {"runs": sorted(run.info.status for run in clone.runs())}


def stage_of(process):
    """The process of the stage that a DVC runs; DVC itself between two stages."""
    running = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
    return running[-1]


VICTIMS = {
    "all of it": lambda process: os.killpg(process.pid, signal.SIGKILL),
    "DVC alone": lambda process: process.kill(),
    "its stage alone": lambda process: os.kill(stage_of(process), signal.SIGKILL),
}


def killed(clone, victim, seconds):
    """Run `dvc repro`, kill it at a random moment of some seconds, and wait until no process of it is left."""
    process = clone.start("dvc", "repro")
    try:
        process.communicate(timeout=random.uniform(0, seconds))
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError, psutil.NoSuchProcess):
            VICTIMS[victim](process)
        # Until the last process of it has closed its output.
        process.communicate()


@pytest.mark.parametrize("victim", VICTIMS)
def test_a_killed_repro(tally, tries, start, whole, tmp_path, victim):
    """SIGKILL at a random moment of a whole `dvc repro`."""
    undisturbed, seconds = whole
    for number in tries(1, 1):
        clone, kills = start.copy_to(tmp_path / str(number) / "goldfold"), 6
        for _ in range(kills):
            killed(clone, victim, seconds)
        said = clone.run("dvc", "repro", expect=None)
        told = "structure is corrupted" in said
        if told:
            said += clone.run("goldfold", "check") + clone.run("dvc", "repro")
        same = "Traceback" not in said and left_by(clone) == undisturbed
        for _ in range(kills):
            tally.count(same and not told, told=told, said=said)


def test_two_at_once(tally, tries, start, whole, tmp_path):
    """Two `dvc repro` at once."""
    undisturbed, _ = whole
    for number in tries(1, 2):
        clone = start.copy_to(tmp_path / str(number) / "goldfold")
        first, second = clone.start("dvc", "repro"), clone.start("dvc", "repro")
        ends = [(process.communicate()[0], process.returncode) for process in (first, second)]
        said = "\n".join(text for text, _ in ends) + clone.run("dvc", "repro")
        told = any(code for _, code in ends)
        tally.count("Traceback" not in said and left_by(clone) == undisturbed, told=told, said=said)
