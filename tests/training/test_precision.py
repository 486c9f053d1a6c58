"""The precision is chosen by a rule: the device and the network decide, and no stopwatch."""

import pytest
import timm
import torch
from tests.conftest import score_again

from goldfold.training import device, precision, train_fold
from goldfold.training.precision import arithmetic, choose_compute

on_cpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


class Images:
    """Blank images, as a view gives them to a timm backbone."""

    lengths = None

    def __init__(self, side):
        self.side = side

    def __getitems__(self, keys):
        return torch.tensor([0]), {"x": torch.zeros(1, 3, self.side, self.side)}


@pytest.fixture
def fast_bf16(monkeypatch):
    monkeypatch.setattr(precision, "lower_precision", lambda _: "bf16")


# The first four networks were timed; docs/speed.md has the table.
NETWORKS = [
    ("resnet18", 224, "bf16"),
    ("resnet50", 224, "bf16"),
    ("test_resnet", 32, "fp32"),
    ("mobilenetv3_small_100", 224, "fp32"),
    ("mobilenetv2_100", 224, "fp32"),
    ("convnext_atto", 224, "bf16"),
    ("resnet18", 32, "fp32"),
]


@on_cpu
@pytest.mark.slow
@pytest.mark.parametrize(("name", "side", "chosen"), NETWORKS)
def test_a_cpu_with_bf16_takes_it_for_much_and_dense_arithmetic(fast_bf16, name, side, chosen):
    assert choose_compute("auto", timm.create_model(name), Images(side)).precision == chosen


@on_cpu
def test_a_cpu_without_it_takes_fp32_and_params_yaml_overrules_the_rule(monkeypatch):
    monkeypatch.setattr(precision, "lower_precision", lambda _: None)
    assert choose_compute("auto", None, None).precision == "fp32"
    assert choose_compute("bf16", None, None).precision == "bf16"


@pytest.mark.parametrize(
    ("able", "lower"),
    [
        ({"avx512_bf16": True, "amx_bf16": True, "cpu_name": "Intel Xeon"}, "bf16"),
        ({"avx512_bf16": True, "amx_bf16": False, "cpu_name": "Intel Xeon"}, None),
        ({"avx512_bf16": True, "cpu_name": "AMD EPYC"}, "bf16"),
        ({"avx2": True, "cpu_name": "AMD EPYC"}, None),
        ({}, None),
    ],
)
def test_which_cpus_are_fast_in_bf16(monkeypatch, able, lower):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able, raising=False)
    assert device.lower_precision(torch.device("cpu")) == lower


def test_arithmetic_counts_multiply_adds_and_written_values():
    layers = [torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(800, 5)]

    class Named(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = torch.nn.Sequential(*layers)

        def forward(self, image):
            return self.network(image)

    assert arithmetic(Named(), {"image": torch.zeros(1, 3, 10, 10)}) == (800 * 27 + 800 * 5, 3 * 800 + 5)


@on_cpu
@pytest.mark.slow
def test_every_fresh_run_chooses_the_same_and_the_checkpoint_bears_it(digits, settings, tmp_path):
    config, folders = settings(precision="auto", epochs=1), (tmp_path / "a", tmp_path / "b")
    results = [train_fold(digits, 0, 0, config, folder, scratch=folder) for folder in folders]
    assert {result.precision for result in results} == {"fp32"}
    assert score_again(digits, results[0]) == results[1].score
    assert not list(tmp_path.rglob("precision.json"))


@pytest.mark.slow
def test_bf16_gives_the_same_bits_for_any_number_of_workers(digits, settings, tmp_path):
    first, second = (
        train_fold(digits, 0, 0, settings(precision="bf16", workers=workers), tmp_path / str(workers)) for workers in (0, 2)
    )
    assert list(first.history["valid_loss"]) == list(second.history["valid_loss"])
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
