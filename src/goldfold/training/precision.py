"""Choosing the precision by a short timing of the real model, once per model, input and machine."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import nn

from goldfold.config import FoldConfig
from goldfold.files import read_json, write_json
from goldfold.modalities.protocol import Inputs, find_learning
from goldfold.prepare import PreparedSet
from goldfold.training.device import Compute, Precision, find_compute
from goldfold.training.finetune import set_trainable
from goldfold.training.start import is_fitted_once

WORTH = 1.15
"""How many times faster than fp32 a lower precision has to be."""
ROWS = 16
ROUNDS, SECONDS = 3, 1.0
"""A timing takes at least so many rounds, and so long."""


def choose_compute(
    prepared: PreparedSet, config: FoldConfig, scratch: Path | None, noted: Callable[[str], None] = lambda _: None
) -> Compute:
    """The device there is, in train.precision; where that is auto, in the precision that trains the model fastest there.

    The choice is kept in `scratch`/precision.json, so that all folds, reruns and resumed trainings share it; delete the file
    to time again. Without `scratch` nothing is timed, and auto is fp32. `noted` hears the choice.
    """
    compute = find_compute(config.train.precision)
    lower = _lower_precision(compute.device)
    if config.train.precision != "auto" or lower is None or scratch is None:
        return compute
    remembered = scratch / "precision.json"
    remembered.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(remembered.with_suffix(".lock")):
        known = read_json(remembered) if remembered.is_file() else {}
        subject = _subject(prepared, config, compute.device)
        if subject not in known:
            speeds = _rows_per_second(prepared, config, compute.device, ("fp32", lower))
            chosen = lower if speeds and speeds[lower] >= WORTH * speeds["fp32"] else "fp32"
            known[subject] = {"precision": chosen, "rows_per_second": {name: round(speed, 1) for name, speed in speeds.items()}}
            write_json(remembered, known)
    choice = known[subject]
    if choice["rows_per_second"]:
        told = ", ".join(f"{name} {speed:g}" for name, speed in choice["rows_per_second"].items())
        noted(f"precision: {choice['precision']} (rows/s in a short timing: {told}; train.precision overrules it)")
    return Compute(compute.device, choice["precision"])


def _lower_precision(device: torch.device) -> Precision | None:
    """The half precision that the device's own instructions multiply in, if there is one."""
    if device.type == "cuda":
        # Older GPUs emulate bf16, slowly.
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    able = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else None


def _subject(prepared: PreparedSet, config: FoldConfig, device: torch.device) -> str:
    """What a timing holds for, as JSON."""
    if device.type == "cuda":
        machine = torch.cuda.get_device_name(device)
    else:
        machine = f"{torch.cpu.get_capabilities().get('cpu_name', 'CPU')}, {torch.get_num_threads()} threads"
    subject = {
        "model": config.model.model_dump(mode="json"),
        "modality": prepared.problem.modality,
        "inputs": prepared.inputs,
        "outputs": len(prepared.problem.outputs),
        "trained": config.finetune.train,
        "machine": machine,
        "torch": torch.__version__,
    }
    return json.dumps(subject, sort_keys=True)


def _rows_per_second(
    prepared: PreparedSet, config: FoldConfig, device: torch.device, precisions: tuple[Precision, ...]
) -> dict[str, float]:
    """Training rows per second, forward and backward, the best of a few rounds that take turns; the first warms up.

    Nothing for an estimator, which has no steps.
    """
    modality = find_learning(prepared.problem.modality)
    spec = modality.input_spec(config.model, prepared, np.arange(len(prepared.train)))
    model = modality.build_model(config.model, spec, prepared.problem, pretrained=False).to(device)
    if is_fitted_once(model):
        return {}
    set_trainable(model, config.finetune, config.train.epochs - 1)
    rows = min(ROWS, config.train.micro_batch_size or config.train.batch_size, len(prepared.train))
    _, inputs = modality.plain_view(prepared, "train", spec).__getitems__([(0, row) for row in range(rows)])
    inputs = {name: tensor.to(device) for name, tensor in inputs.items()}
    best = dict.fromkeys(precisions, float("inf"))
    turn, started = 0, time.monotonic()
    while turn <= ROUNDS or time.monotonic() - started < SECONDS:
        for precision in precisions:
            seconds = _seconds(model, inputs, Compute(device, precision))
            best[precision] = min(best[precision], seconds if turn else float("inf"))
        turn += 1
    return {precision: rows / seconds for precision, seconds in best.items()}


def _seconds(model: nn.Module, inputs: Inputs, compute: Compute) -> float:
    _wait(compute.device)
    started = time.perf_counter()
    with compute.autocast():
        logits: Any = model(**inputs)
    logits.float().square().mean().backward()
    _wait(compute.device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
