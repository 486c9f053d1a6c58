"""Losses that meet something on one of two ranks alone."""

import os
from pathlib import Path

import torch
from torch import nn

from goldfold.errors import InputError
from goldfold.training.ranks import gathered, rank


class Short(nn.CrossEntropyLoss):
    """The second rank has memory to learn from ten rows at once."""

    def forward(self, logits, target):
        if rank() == 1 and logits.requires_grad and len(target) > 10:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(logits, target)


class Broken(nn.CrossEntropyLoss):
    """The second rank reads a bad row."""

    def forward(self, logits, target):
        if rank() == 1:
            raise InputError("this row is bad")
        return super().forward(logits, target)


class Drawing(nn.CrossEntropyLoss):
    """The ranks draw numbers, which have to be different ones."""

    def forward(self, logits, target):
        draws = gathered([torch.rand(9).tolist()]) if logits.requires_grad else []
        assert len(draws) < 2 or draws[0] != draws[1]
        return super().forward(logits, target)


class Hit(nn.CrossEntropyLoss):
    """A rank gets the signal in the file of its number, if there is one, in its sixth step."""

    def __init__(self, signals):
        super().__init__()
        self.signals, self.calls = Path(signals), 0

    def forward(self, logits, target):
        self.calls += 1
        # The first call is a trial.
        mine = self.signals / str(rank())
        if self.calls == 7 and mine.is_file():
            number = int(mine.read_text())
            mine.unlink()
            os.kill(os.getpid(), number)
        return super().forward(logits, target)
