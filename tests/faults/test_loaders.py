"""Loader processes that are killed, or find no shared memory: one message; the same command goes on to the same bits."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys

import pytest
import torch
from faulted import PATHS

from goldfold.errors import InputError
from goldfold.training import train_fold
from goldfold.training.reporter import Silent

STEPS = 12


class Killing(Silent):
    """Kills a loader after some steps."""

    def __init__(self, steps):
        self.left = steps

    def stepped(self, epoch, step, loss, lr):
        self.left -= 1
        if not self.left:
            os.kill(random.choice(multiprocessing.active_children()).pid, signal.SIGKILL)


@pytest.fixture
def config(settings):
    return lambda **train: settings(epochs=3, batch_size=48, save_minutes=1e-9, **train)


def test_a_killed_loader(tally, tries, digits, config, tmp_path):
    """SIGKILL of a loader process amid a training."""
    whole = train_fold(digits, 0, 0, config(workers=0), tmp_path / "whole")
    for number in tries(1, 10):
        arguments = digits, 0, 0, config(workers=2), tmp_path / "fold"
        scratch = tmp_path / str(number)
        # torch says which signal it was where it sees the signal before it misses the process.
        said = r"loader process has ended.*(Killed|exited)(.|\n)*train.workers: 0.*from the saved state"
        with pytest.raises(InputError, match=said):
            train_fold(*arguments, Killing(random.randrange(1, STEPS)), scratch=scratch)
        same = train_fold(*arguments, scratch=scratch)
        kept = all(torch.equal(same.weights[name], whole.weights[name]) for name in whole.weights)
        tally.count(kept, told=True)


@pytest.mark.faults
@pytest.mark.parametrize("size", ["4k", "2m"])
def test_full_shared_memory(tally, tries, digits, tmp_path, size):
    """Loaders with a full /dev/shm, or one that takes no batch."""
    code = "import sys; from faulted import train_with_loaders; train_with_loaders(*sys.argv[1:])"
    mounted = f"mount -t tmpfs -o size={size} tmpfs /dev/shm"
    if subprocess.run(["unshare", "-m", "sh", "-c", mounted], capture_output=True, check=False).returncode:
        pytest.skip("this user may mount no disk")
    for _ in tries(1, 3):
        command = ["unshare", "-m", "sh", "-c", f'{mounted} && exec "$@"', "sh", sys.executable, "-c", code]
        where = [str(digits.folder), str(tmp_path)]
        done = subprocess.run(
            [*command, *where], env={**os.environ, "PYTHONPATH": PATHS}, capture_output=True, text=True, check=False
        )
        said = done.stderr
        told = done.returncode == 2 and "Traceback" not in said and "/dev/shm" in said and "train.workers: 0" in said
        tally.count(False, told=told, said=said)
