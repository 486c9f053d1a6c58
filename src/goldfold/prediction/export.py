"""A model in formats that run without goldfold: ONNX, TorchScript and torch.export."""

import inspect
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from goldfold.errors import InputError
from goldfold.files import write_json, written_whole
from goldfold.imports import modality_part
from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Outside, View
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult
from goldfold.training.fitting import is_fitted_once

Format = Literal["onnx", "torchscript", "torch_export"]
Dynamic = dict[str, dict[int, Any]]
SUFFIXES: dict[Format, str] = {"onnx": "onnx", "torchscript": "torchscript.pt", "torch_export": "pt2"}
TOLERANCE = 1e-4
COMPARED = 16


def export(result: FoldResult, prepared: PreparedSet, formats: Sequence[Format], folder: Path) -> dict[Path, float]:
    """Write a fold's model in each format, with preprocessing.json beside it; return each file's largest deviation.

    A file is kept if its logits on real rows of the competition are those of PyTorch, within 1e-4 (absolute and
    relative) in fp32 on the CPU; raises InputError otherwise, and where a format cannot hold the model.
    """
    model = result.build_model().eval()
    if is_fitted_once(model):
        raise InputError(
            f"{result.config.model.name} is a fitted estimator, and these formats hold networks",
            mend="predict by goldfold predict, or by the MLflow model of its run",
        )
    description = describe(result)
    rows = np.linspace(0, len(prepared.train) - 1, min(COMPARED, len(prepared.train))).astype(int)
    view = result.modality.plain_view(prepared, "train", result.spec)
    _, inputs = view.__getitems__([(0, int(row)) for row in rows])
    dynamic = _dynamic(view, inputs)
    with torch.inference_mode():
        expected = model(**inputs).numpy()
    written = {}
    for name in formats:
        path = folder / f"model.{SUFFIXES[name]}"
        with written_whole(path) as draft:
            try:
                with _quiet():
                    found = _WRITERS[name](model, inputs, dynamic, draft)
            except Exception as error:  # each exporter raises many kinds of error for an operator that it lacks
                first = next(iter(str(error).splitlines()), repr(error))
                raise InputError(
                    f"{result.config.model.name} cannot be written as {name}: {first}",
                    mend=f"choose another of the formats {', '.join(SUFFIXES)}, or another backbone",
                ) from error
            deviation = float(np.abs(found - expected).max())
            if not np.allclose(found, expected, atol=TOLERANCE, rtol=TOLERANCE):
                raise InputError(
                    f"the {name} model deviates from PyTorch by up to {deviation:.2g} on {len(rows)} rows; it was not kept",
                    mend="choose another format, and report the backbone to the format's project",
                )
        written[path] = deviation
    write_json(folder / "preprocessing.json", {**description, "inputs in order": list(inputs)})
    return written


def describe(result: FoldResult) -> dict[str, Any]:
    """All that a program needs to feed the exported model and to read its output."""
    codec = result.codec
    outside: Outside = modality_part(codec.problem.modality, "outside")
    return {
        **outside.describe(result.spec),
        "output": {
            "name": "logits",
            "shape": ["batch", codec.outputs],
            "columns": list(codec.problem.outputs),
            "activation": {"multiclass": "softmax", "regression": "none"}.get(codec.problem.task, "sigmoid"),
            "classes": list(codec.problem.classes),
            "scale": {"mean": list(codec.mean), "std": list(codec.std), "then expm1": codec.log1p} if codec.mean else None,
        },
        "model": {"name": result.config.model.name, "fold": result.fold, "seed": result.seed, "score": result.score},
    }


def _dynamic(view: View, inputs: Inputs) -> Dynamic:
    """The dimensions of each input that change from batch to batch: the rows, and the length of what is padded to the longest."""
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    dynamic: Dynamic = {name: {0: batch} for name in inputs}
    if view.lengths is not None:
        _, shortest = view.__getitems__([(0, int(view.lengths.argmin()))])
        for name, tensor in inputs.items():
            if tensor.shape[1:] != shortest[name].shape[1:]:
                dynamic[name][1] = length
    return dynamic


class _InOrder(nn.Module):
    """A model that takes any inputs by name, as one that takes these in order: the exporters want to know them beforehand."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True)))
        return logits


def _as_called(model: nn.Module, inputs: Inputs, dynamic: Dynamic) -> tuple[nn.Module, tuple[torch.Tensor, ...], Inputs, Any]:
    """A model as exporters can call it, its inputs in order, those by name, and the dimensions of either that change."""
    parameters = inspect.signature(model.forward).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return _InOrder(model, list(inputs)), tuple(inputs.values()), {}, {"inputs": tuple(dynamic[name] for name in inputs)}
    return model, (), inputs, dynamic


def _write_onnx(model: nn.Module, inputs: Inputs, dynamic: Dynamic, path: Path) -> Array:
    import onnx
    import onnxruntime

    program = torch.onnx.export(
        model,
        kwargs=inputs,
        input_names=list(inputs),
        output_names=["logits"],
        dynamic_shapes=dynamic,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(str(path))
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})[0])


def _write_torchscript(model: nn.Module, inputs: Inputs, dynamic: Dynamic, path: Path) -> Array:
    model, args, named, _ = _as_called(model, inputs, dynamic)
    with torch.inference_mode():
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            model, example_inputs=args or None, example_kwarg_inputs=named or None
        )
    torch.jit.save(traced, str(path))
    loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        return np.asarray(loaded(*args, **named).numpy())


def _write_torch_export(model: nn.Module, inputs: Inputs, dynamic: Dynamic, path: Path) -> Array:
    from torch.export._patches import register_lstm_while_loop_decomposition

    model, args, named, changing = _as_called(model, inputs, dynamic)
    # Without it, an LSTM is written for one length alone; the exporter to ONNX does the same.
    with register_lstm_while_loop_decomposition():
        program = torch.export.export(model, args, named, dynamic_shapes=changing)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    path.write_bytes(buffer.getvalue())
    buffer.seek(0)
    with torch.inference_mode():
        return np.asarray(torch.export.load(buffer).module()(*args, **named).numpy())


_WRITERS: dict[Format, Callable[[nn.Module, Inputs, Dynamic, Path], Array]] = {
    "onnx": _write_onnx,
    "torchscript": _write_torchscript,
    "torch_export": _write_torch_export,
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporters' progress and deprecation notes."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere), warnings.catch_warnings():  # noqa: PTH123
        warnings.simplefilter("ignore")
        yield
