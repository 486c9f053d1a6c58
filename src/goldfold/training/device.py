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


def find_compute(precision: str) -> Compute:
    """The GPU where there is one, else the CPU, in the precision that train.precision asks for; auto is fp32 here, and timed by
    `choose_compute`."""
    kinds = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = torch.device(next((name for name, there in kinds.items() if there), "cpu"))
    if device.type == "cpu":
        keep_freed_memory()
    if precision == "fp16" and device.type == "cpu":
        raise InputError(
            "params.yaml, train.precision: fp16 is for GPUs, and this machine has none", mend="set auto, fp32 or bf16"
        )
    return Compute(device, "fp32" if precision == "auto" else precision)  # type: ignore[arg-type]


def find_compute_again(precision: Precision) -> Compute:
    """The device there is now, in the precision that a model was judged in; fp32 where that was fp16 and there is no GPU."""
    return find_compute("fp32" if precision == "fp16" and not torch.cuda.is_available() else precision)
