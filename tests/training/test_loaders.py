"""What loader processes say, and what ends them."""

import multiprocessing
import os
import signal

import pytest

from goldfold.errors import InputError
from goldfold.training import train_fold
from goldfold.training.reporter import Silent


def test_a_message_from_a_loader_is_the_message_alone(digits, settings, tmp_path):
    """A message from a loader process."""
    fails = {"augment": [{"name": "RandomCrop", "height": 100, "width": 100}], "model": {"image_size": 32}}
    with pytest.raises(InputError) as told:
        train_fold(digits, 0, 0, settings(**fails, workers=1), tmp_path / "fold")
    assert str(told.value).startswith("params.yaml: albumentations cannot transform") and "Traceback" not in str(told.value)


class Terminating(Silent):
    """Sends SIGTERM to all loaders at the first step, as a machine does that shuts down."""

    def stepped(self, epoch, step, loss, lr):
        if (epoch, step) == (0, 0):
            for loader in multiprocessing.active_children():
                os.kill(loader.pid, signal.SIGTERM)


def test_a_loader_is_ended_by_the_training_alone(digits, settings, tmp_path):
    """Else a SIGTERM to all processes ends them before the training has saved its state."""
    assert train_fold(digits, 0, 0, settings(workers=1), tmp_path / "fold", Terminating()).ended == "finished"
