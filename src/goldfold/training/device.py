"""The device and the precision that a model runs in."""

import contextlib
from collections.abc import Iterator
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
        """Return the context for forward passes."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=DTYPES[self.precision])

    def to_device(self, tensor: torch.Tensor) -> torch.Tensor:
        """Copy a tensor to the device, without waiting if its memory is pinned."""
        return tensor.to(self.device, non_blocking=True)


def find_device() -> torch.device:
    """Return the GPU if there is one, else the CPU."""
    kinds = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = torch.device(next((name for name, is_there in kinds.items() if is_there), "cpu"))
    if device.type == "cpu":
        keep_freed_memory()
    return device


def lower_precision(device: torch.device) -> Precision | None:
    """Return the half precision in which the device multiplies faster than in fp32, None if it has none.

    Such CPUs are those with AMX, and AMD's with AVX512_BF16. Intel's AVX512_BF16 multiplies at half the rate of its fp32: without
    AMX a ResNet18 trains at 0.7 times the speed (docs/speed.md).
    """
    if device.type == "cuda":
        # Older GPUs emulate bf16, slowly.
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    # Older torch (2.8) does not say what a CPU can do.
    told = getattr(torch.cpu, "get_capabilities", None) if device.type == "cpu" else None
    capabilities = told() if told else {}
    is_intel = "Intel" in str(capabilities.get("cpu_name", ""))
    return "bf16" if capabilities.get("amx_bf16") or (capabilities.get("avx512_bf16") and not is_intel) else None


def machine(devices: int = 1) -> list[Any]:
    """Return what a training's bits depend on beside its settings: device, half precision, threads, and devices if several."""
    device = find_device()
    alone = [device.type, lower_precision(device), torch.get_num_threads()]
    return alone if devices == 1 else [*alone, devices]


@contextlib.contextmanager
def use_threads(count: int) -> Iterator[None]:
    """Let torch and all other libraries that are loaded compute with that many threads."""
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    with threadpool_limits(count):
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def find_compute(precision: Precision) -> Compute:
    """Return this machine's device, in a precision; raises InputError for fp16 without a GPU."""
    device = find_device()
    if precision == "fp16" and device.type == "cpu":
        raise InputError(
            "params.yaml, train.precision: fp16 is for GPUs, and this machine has none", mend="set auto, fp32 or bf16"
        )
    return Compute(device, precision)


def find_compute_again(precision: Precision) -> Compute:
    """Return this machine's device, in the precision that a model was validated in, or fp32 for fp16 without a GPU."""
    return find_compute("fp32" if precision == "fp16" and not torch.cuda.is_available() else precision)
