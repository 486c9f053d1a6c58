"""The precision is what a short timing finds fast, and stays that."""

import pytest
import torch

from goldfold.files import read_json
from goldfold.training import precision, train_fold
from goldfold.training.precision import choose_compute
from goldfold.validation.validate import judge

able = torch.cpu.get_capabilities()
needs_bf16 = pytest.mark.skipif(
    torch.cuda.is_available() or not (able.get("avx512_bf16") or able.get("amx_bf16")),
    reason="this CPU does not multiply in bf16",
)


@pytest.fixture
def timed(monkeypatch):
    """Timings that the test decides, and how often they were taken."""
    speeds, taken = {"fp32": 100.0, "bf16": 100.0}, []
    monkeypatch.setattr(precision, "_lower_precision", lambda device: "bf16")
    monkeypatch.setattr(precision, "_rows_per_second", lambda *_: taken.append(1) or dict(speeds))
    return speeds, taken


@pytest.mark.parametrize(("bf16", "chosen"), [(114.0, "fp32"), (116.0, "bf16")])
def test_bf16_has_to_be_worth_it(digits, settings, tmp_path, timed, bf16, chosen):
    timed[0]["bf16"] = bf16
    assert choose_compute(digits, settings(precision="auto"), tmp_path).precision == chosen


def test_the_choice_is_taken_once_for_a_model_and_kept(digits, settings, tmp_path, timed):
    speeds, taken = timed
    heard = []
    speeds["bf16"] = 300.0
    assert choose_compute(digits, settings(precision="auto"), tmp_path, heard.append).precision == "bf16"
    speeds["bf16"] = 50.0
    # Nothing that the timing does not depend on asks for another.
    for train in ({}, {"lr": 0.5, "epochs": 9}, {"seeds": (3,)}):
        assert choose_compute(digits, settings(precision="auto", **train), tmp_path, heard.append).precision == "bf16"
    assert len(taken) == 1 and "precision: bf16" in heard[-1] and "fp32 100, bf16 300" in heard[-1]
    assert choose_compute(digits, settings(precision="auto", model={"image_size": 48}), tmp_path).precision == "fp32"
    assert len(taken) == 2


def test_params_yaml_overrules_it_and_without_a_place_to_keep_it_nothing_is_timed(digits, settings, tmp_path, timed):
    timed[0]["bf16"] = 300.0
    assert choose_compute(digits, settings(precision="fp32"), tmp_path).precision == "fp32"
    assert choose_compute(digits, settings(precision="auto"), None).precision == "fp32"
    assert not timed[1]


@pytest.mark.slow
@needs_bf16
def test_a_real_timing_is_kept_and_the_checkpoint_bears_its_choice(digits, settings, tmp_path):
    result = train_fold(digits, 0, 0, settings(precision="auto", epochs=1), tmp_path / "fold", scratch=tmp_path)
    (choice,) = read_json(tmp_path / "precision.json").values()
    assert result.precision == choice["precision"] and all(speed > 0 for speed in choice["rows_per_second"].values())
    assert judge(digits, result).score == result.score


@pytest.mark.slow
@needs_bf16
def test_bf16_gives_the_same_bits_for_any_number_of_workers(digits, settings, tmp_path):
    first, second = (
        train_fold(digits, 0, 0, settings(precision="bf16", workers=workers), tmp_path / str(workers)) for workers in (0, 2)
    )
    assert list(first.history["valid_loss"]) == list(second.history["valid_loss"])
    assert all(torch.equal(first.weights[name], second.weights[name]) for name in first.weights)
