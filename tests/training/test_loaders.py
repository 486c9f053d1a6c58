"""What loader processes say."""

import pytest

from goldfold.errors import InputError
from goldfold.training import train_fold


def test_a_message_from_a_loader_is_the_message_alone(digits, settings, tmp_path):
    """A message from a loader process."""
    fails = {"augment": [{"name": "RandomCrop", "height": 100, "width": 100}], "model": {"image_size": 32}}
    with pytest.raises(InputError) as told:
        train_fold(digits, 0, 0, settings(**fails, workers=1), tmp_path / "fold")
    assert str(told.value).startswith("params.yaml: albumentations cannot transform") and "Traceback" not in str(told.value)
