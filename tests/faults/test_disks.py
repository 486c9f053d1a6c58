"""Disks that are full, limited or read-only: one message; once they are mended, the same command goes on to the same bits."""

import os
import random
import shutil
import subprocess
import sys

import pytest
from tests.conftest import ROOT

pytestmark = pytest.mark.faults

STAGES = {
    "prepare": "--out data/prepared",
    "train": "--prepared data/prepared --out folds --runs train.json",
    "validate": "--prepared data/prepared --folds folds --runs train.json --out cv",
    "predict": "--prepared data/prepared --folds folds --cv cv --runs train.json --out submission --report report --run run.json",
}
STAYS = ("folds/0/0/model.safetensors", "cv/oof.parquet", "submission/submission.csv")
PARAMS = """
competition: {path: data/raw/tiny, modality: table, metric: accuracy}
split: {n_folds: 3, folds: [0]}
train: {epochs: 2, workers: 0, precision: fp32}
model: {name: mlp}
"""


def run(root, stage, limit=""):
    """Run a stage in a repository; return its exit code and what it said."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("DVC_", "MLFLOW_"))}
    env |= {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = f"{limit} exec {sys.executable} {ROOT}/pipelines/{stage}.py {STAGES[stage]}"
    done = subprocess.run(["sh", "-c", command], cwd=root, env=env, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def content(root):
    return [(root / name).read_bytes() for name in STAYS]


def size_of(root):
    return sum(path.stat().st_blocks * 512 for path in root.rglob("*"))


@pytest.fixture(scope="module")
def start(tiny_repository, tmp_path_factory):
    """A repository in which nothing ran yet."""
    root = tmp_path_factory.mktemp("disks") / "start"
    shutil.copytree(tiny_repository / "data/raw", root / "data/raw")
    (root / "params.yaml").write_text(PARAMS)
    return root


@pytest.fixture(scope="module")
def whole(start):
    """The same after a run that nothing disturbed."""
    root = shutil.copytree(start, start.with_name("whole"))
    for stage in STAGES:
        code, said = run(root, stage)
        assert code == 0, said
    return root


@pytest.fixture
def disk(tmp_path, start):
    """A disk of its own, of a size that can be changed; skipped where this user may mount none."""
    place = tmp_path / "disk"
    place.mkdir()

    def mount(options):
        return subprocess.run(["mount", *options, str(place)], capture_output=True, check=False).returncode == 0

    if not mount(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]):
        pytest.skip("this user may mount no disk")
    shutil.copytree(start, place, dirs_exist_ok=True)
    yield place, lambda options: mount(["-o", f"remount,{options}"])
    subprocess.run(["umount", str(place)], check=True)


def try_on(root, whole, tally, broken, mend):
    """Run the stages where the disk is broken, mend it at the first that fails, run them again, and compare."""
    said = ""
    for stage in STAGES:
        code, said = broken(root, stage)
        if code:
            break
    told = bool(code == 2 and "Traceback" not in said and "MB are free there" in said)
    mend()
    for stage in STAGES:
        again, more = run(root, stage)
        said += more
        assert again == 0, said
    tally.count(content(root) == content(whole) and (told or not code), said=said)
    tally.told += told


def test_a_full_disk_is_told_and_the_same_command_goes_on(tally, tries, disk, start, whole):
    """Disk that is full at a random moment of a run."""
    place, remount = disk
    for _ in tries(1, 5):
        least, most = size_of(start), size_of(whole)
        remount(f"size={least + random.randrange(0, most - least)}")
        try_on(place, whole, tally, run, lambda: remount("size=64m"))
        for path in place.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(start, place, dirs_exist_ok=True)


def test_a_limit_of_a_files_size_is_told_and_the_same_command_goes_on(tally, tries, start, whole, tmp_path):
    """Limit of a file's size (ulimit -f), of the store's too."""
    for number in tries(1, 3):
        root = shutil.copytree(start, tmp_path / str(number))
        limit = f"ulimit -f {random.choice([1, 8, 64, 512])};"
        try_on(root, whole, tally, lambda root, stage, limit=limit: run(root, stage, limit), lambda: None)


def test_a_read_only_disk_is_told_and_the_same_command_goes_on(tally, tries, disk, whole):
    """Disk that is read-only from a random stage on."""
    place, remount = disk
    for last in random.sample([*STAGES], len(tries(1, 3))):

        def broken(root, stage, last=last):
            if stage == last:
                remount("ro")
            return run(root, stage)

        try_on(place, whole, tally, broken, lambda: remount("rw"))
