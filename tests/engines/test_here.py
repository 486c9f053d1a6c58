"""Folds that are trained at once have the bits of those trained one by one, and none is lost with a process."""

import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest
import torch

from goldfold.config import Component, RuntimeConfig
from goldfold.engines import folds as engine
from goldfold.engines.folds import threads_of, train_folds
from goldfold.engines.forks import start_forkserver
from goldfold.engines.here import Processes
from goldfold.errors import InputError
from goldfold.training import train_fold
from goldfold.training.reporter import Silent
from goldfold.training.stopping import Stopped, never

pytestmark = pytest.mark.slow

CURVES = ["epoch", "train_loss", "valid_loss", "accuracy", "lr"]


@pytest.fixture(scope="module", autouse=True)
def imported():
    start_forkserver("goldfold.modalities.image.learning")


@pytest.fixture(scope="module")
def config(settings):
    base = settings(epochs=2, save_minutes=1e-9)
    split = base.split.model_copy(update={"folds": (0, 1, 2)})
    return base.model_copy(update={"split": split, "runtime": RuntimeConfig(jobs=2, threads=1)})


@pytest.fixture(scope="module")
def alone(digits, config, tmp_path_factory):
    """Each fold, trained by itself in this process."""
    return [train_fold(digits, fold, 0, config, tmp_path_factory.mktemp("alone")) for fold in range(3)]


class Heard(Silent):
    """A reporter that keeps what it hears, and calls something after each epoch."""

    def __init__(self, after_epoch=lambda: None):
        self.notes, self.plans, self.epochs, self.dones, self.after_epoch = [], [], [], [], after_epoch

    def note(self, text):
        self.notes.append(text)

    def started(self, plan):
        self.plans.append(plan)

    def epoch_ended(self, row, best):
        self.epochs.append(row["epoch"])
        self.after_epoch()

    def ended(self, done):
        self.dones.append(done)


def train(prepared, config, folder, heard, stop=never, pool=None):
    def hear(name):
        return heard[int(name.split()[1])]

    return list(train_folds(prepared, config, folder / "folds", folder / "scratch", hear, stop, pool))


def require_same(results, alone):
    for result in results:
        theirs = alone[result.fold]
        assert all(torch.equal(result.weights[name], theirs.weights[name]) for name in theirs.weights)
        assert result.history[CURVES].equals(theirs.history[CURVES]) and result.key == theirs.key


def children():
    return multiprocessing.active_children()


def test_at_once_and_one_by_one_are_the_same(digits, config, alone, tmp_path):
    heard = [Heard() for _ in range(3)]
    results = train(digits, config, tmp_path, heard)
    assert {result.fold for result in results} == {0, 1, 2}
    require_same(results, alone)
    assert [(fold.epochs, fold.dones, len(fold.plans)) for fold in heard] == [([0, 1], [True], 1)] * 3
    # What is trained is taken over, and a further seed alone is trained.
    both = config.model_copy(update={"train": config.train.model_copy(update={"seeds": (0, 1)})})
    heard = [Heard() for _ in range(3)]
    results = train(digits, both, tmp_path, heard)
    require_same([result for result in results if result.seed == 0], alone)
    assert [len(fold.plans) for fold in heard] == [1, 1, 1] and not children()


def test_a_fold_whose_process_is_killed_goes_on_alone(digits, config, alone, tmp_path):
    killed = []

    def kill_one():
        if not killed:
            killed.append(children()[0])
            killed[0].kill()

    heard = [Heard(kill_one), Heard(kill_one), Heard()]
    require_same(train(digits, config, tmp_path, heard), alone)
    said = [note for fold in heard for note in fold.notes]
    assert sum("its process was ended by signal 9" in note for note in said) == 1, said


def test_a_fold_whose_process_dies_twice_is_told_and_the_others_are_kept(digits, config, tmp_path):
    heard = [Heard(), Heard(), Heard(lambda: [child.kill() for child in children()])]
    with pytest.raises(InputError, match=r"fold 2: its process was ended by signal 9.*twice"):
        train(digits, config, tmp_path, heard)
    assert sorted(path.parts[-3] for path in (tmp_path / "folds").rglob("model.json")) == ["0", "1"]
    assert not children()


def test_a_reason_to_stop_saves_all_and_the_same_call_goes_on(digits, config, alone, tmp_path):
    heard = [Heard() for _ in range(3)]
    with pytest.raises(Stopped, match="the same command goes on"):
        train(digits, config, tmp_path, heard, lambda: "interrupted" if any(fold.epochs for fold in heard) else None)
    # How far the first two came depends on the machine.
    assert not heard[2].plans
    heard = [Heard() for _ in range(3)]
    require_same(train(digits, config, tmp_path, heard), alone)
    assert not children()


def test_an_error_in_one_fold_ends_the_others_in_order_and_names_the_code(digits, config, tmp_path):
    broken = {"train": config.train.model_copy(update={"loss": Component(name="NoSuchLoss")})}
    with pytest.raises(InputError, match=r"train.loss"):
        train(digits, config.model_copy(update=broken), tmp_path, [Heard() for _ in range(3)])


def driver_killed(config, prepared, where):
    """What a process says that trains by a config and is killed after the first epoch: the numbers of its processes."""
    script = where / "driver.py"
    script.write_text(
        textwrap.dedent(f"""
        import multiprocessing, os, signal
        from pathlib import Path
        from goldfold.config import parse_config
        from goldfold.engines.folds import train_folds
        from goldfold.prepare import PreparedSet
        from goldfold.training.reporter import Silent

        class Killer(Silent):
            def epoch_ended(self, row, best):
                print(*[child.pid for child in multiprocessing.active_children()], flush=True)
                os.kill(os.getpid(), signal.SIGKILL)

        if __name__ == "__main__":
            config = parse_config({config.model_dump(mode="json", by_alias=True)!r})
            where = Path({str(where)!r})
            prepared = PreparedSet.load(Path({str(prepared.folder)!r}))
            list(train_folds(prepared, config, where / "folds", where / "scratch", lambda *_: Killer(), lambda: None))
        """)
    )
    path = str(Path(__file__).parents[2] / "src")
    # Processes that live on would keep its output open.
    env = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stdout


STUBBORN = """
import time

class Stubborn:
    name = "stubborn"

    def run(self, reporter, stop):
        time.sleep(60)
"""
"""A job that is busy in a library, where nothing asks whether to stop."""


def test_what_does_not_stop_within_the_patience_is_ended_even_a_single_job(tmp_path, monkeypatch):
    (tmp_path / "stubborn_job.py").write_text(STUBBORN)
    monkeypatch.syspath_prepend(tmp_path)
    job, began = importlib.import_module("stubborn_job").Stubborn(), time.monotonic()

    def stop():
        return "interrupted" if time.monotonic() - began > 1 else None

    with Processes([(None,)], 1, patience=0.5) as pool, pytest.raises(Stopped):
        list(pool.run([job], lambda _: Silent(), lambda _: None, stop))
    assert time.monotonic() - began < 30 and not children()


def test_its_processes_end_with_the_one_that_started_them(digits, config, tmp_path):
    said = driver_killed(config, digits, tmp_path)
    left = [psutil.Process(int(pid)) for pid in said.split() if psutil.pid_exists(int(pid))]
    assert psutil.wait_procs(left, timeout=10)[1] == []


@pytest.mark.parametrize(
    ("gpus", "runtime", "places"),
    [
        (2, {}, [(0,), (1,)]),
        (2, {"jobs": 1}, [(0,)]),
        (1, {"jobs": 2, "share_gpu": True}, [(0,), (0,)]),
        (5, {"devices_per_job": 2}, [(0, 1), (2, 3)]),
        (4, {"devices_per_job": 2, "jobs": 3, "share_gpu": True}, [(0, 1), (2, 3), (0, 1)]),
        (0, {"threads": 1}, [(None,)] * 4),
        (0, {"threads": 3}, [(None,)]),
        (0, {"jobs": 7}, [(None,)] * 7),
        (0, {"threads": 1, "devices_per_job": 2}, [(None, None)] * 2),
    ],
)
def test_there_is_a_process_for_each_gpu_or_share_of_the_cores(monkeypatch, gpus, runtime, places):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(engine, "cores", lambda: 4)
    runtime = RuntimeConfig(**runtime)
    assert engine.places_of(runtime, 2 if runtime.threads == "auto" else runtime.threads) == places


@pytest.mark.parametrize(
    ("gpus", "runtime", "message"),
    [
        (1, {"jobs": 2}, "2 folds at once would share 1 GPU, and their memory"),
        (4, {"jobs": 3, "devices_per_job": 2}, "3 folds at once on 2 each would share 4 GPUs"),
        (2, {"devices_per_job": 4}, "4 devices for each fold, and this machine has 2"),
    ],
)
def test_more_than_the_gpus_that_there_are_is_refused(monkeypatch, gpus, runtime, message):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    with pytest.raises(InputError, match=message):
        engine.places_of(RuntimeConfig(**runtime), 2)


def test_threads_depend_on_the_machine_and_the_split_alone(monkeypatch, digits):
    monkeypatch.setattr(engine, "cores", lambda: 16)
    assert threads_of(RuntimeConfig(), digits) == 5
    assert threads_of(RuntimeConfig(jobs=1), digits) == 5
    assert threads_of(RuntimeConfig(threads=2), digits) == 2
    assert threads_of(RuntimeConfig(devices_per_job=2), digits) == 2
    assert threads_of(RuntimeConfig(threads=8, devices_per_job=2), digits) == 4
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert threads_of(RuntimeConfig(), digits) == 8
