"""Where and in which precision a model runs."""

import contextlib
from dataclasses import dataclass
from typing import Any, Literal

import torch

from goldfold.errors import InputError
from goldfold.process import keep_freed_memory

Precision = Literal["fp32", "bf16", "fp16"]
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Compute:
    """A device and the precision of its matrix products."""

    device: torch.device
    precision: Precision

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """The context that forward passes run in."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.precision])

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """Copy a batch there, without waiting where memory is pinned."""
        return tensor.to(self.device, non_blocking=True)


def find_device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    kinds = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = torch.device(next((name for name, is_there in kinds.items() if is_there), "cpu"))
    if device.type == "cpu":
        keep_freed_memory()
    return device


def lower_precision(device: torch.device) -> Precision | None:
    """The half precision that the device multiplies faster in than in fp32, None where it has none.

    Of CPUs these are the ones with AMX, and AMD's with AVX512_BF16. Intel's AVX512_BF16 multiplies at half the rate of its fp32:
    without AMX a ResNet18 trains at 0.7 times the speed (docs/speed.md).
    """
    if device.type == "cuda":
        # Older GPUs emulate bf16, slowly.
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    is_intel = "Intel" in str(able.get("cpu_name", ""))
    return "bf16" if able.get("amx_bf16") or (able.get("avx512_bf16") and not is_intel) else None


def machine() -> list[Any]:
    """What a training's bits depend on beside its settings: the device, its half precision, and the threads that share sums."""
    device = find_device()
    return [device.type, lower_precision(device), torch.get_num_threads()]


def find_compute(precision: Precision) -> Compute:
    """The device that there is, in a precision; raises InputError for fp16 without a GPU."""
    device = find_device()
    if precision == "fp16" and device.type == "cpu":
        raise InputError(
            "params.yaml, train.precision: fp16 is for GPUs, and this machine has none", mend="set auto, fp32 or bf16"
        )
    return Compute(device, precision)


def find_compute_again(precision: Precision) -> Compute:
    """The device that there is now, in the precision that a model was judged in; fp32 where that was fp16 and there is no GPU."""
    return find_compute("fp32" if precision == "fp16" and not torch.cuda.is_available() else precision)
