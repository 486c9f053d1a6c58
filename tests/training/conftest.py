"""Weights to start from without a network."""

import pytest
from safetensors.torch import save_file
from tests.conftest import problem_of

from goldfold.modalities.image.model import build_model
from goldfold.modalities.image.settings import ImageModelConfig

SPEC = {"size": 64, "progressive_sizes": [], "channels": 3, "mean": [0.5] * 3, "std": [0.2] * 3}


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file of weights for test_resnet."""
    path = tmp_path_factory.mktemp("weights") / "model.safetensors"
    state = build_model(ImageModelConfig(name="test_resnet"), SPEC, problem_of(4), pretrained=False).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    return str(path)
