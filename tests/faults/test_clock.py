"""A clock that jumps while a fold is trained."""

import random
import sys
import time
from types import SimpleNamespace
from unittest import mock

import torch

from goldfold.training import train_fold
from goldfold.training.reporter import Silent


class Jumping(Silent):
    """Sets the clock by some days at each step, back or forth."""

    def __init__(self, clock):
        self.clock = clock

    def stepped(self, epoch, step, loss, lr):
        self.clock.return_value += random.uniform(-1e6, 1e6)


def test_a_clock_that_jumps_amid_a_training(tally, tries, digits, settings, tmp_path, monkeypatch):
    """Clock that jumps amid a training."""
    whole = train_fold(digits, 0, 0, settings(), tmp_path / "whole")
    for number in tries(1, 5):
        clock = mock.Mock(return_value=1e9)
        with monkeypatch.context() as patch:
            for name in [
                name for name, module in sys.modules.items() if name.startswith("goldfold.") and hasattr(module, "time")
            ]:
                patch.setattr(sys.modules[name], "time", SimpleNamespace(time=clock, monotonic=time.monotonic))
            fold = train_fold(digits, 0, 0, settings(), tmp_path / "fold", Jumping(clock), tmp_path / str(number))
        same = all(torch.equal(fold.weights[name], whole.weights[name]) for name in whole.weights)
        tally.count(same and fold.history["seconds"].between(0, 600).all(), said=str(fold.history))
