"""Export a model to formats that run without goldfold: ONNX, TorchScript and torch.export."""

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
from goldfold.modalities.protocol import Inputs, Outside, View, apart
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

    A file is kept if its logits equal PyTorch's within 1e-4 (absolute and relative), in fp32 on the CPU, on batches of several
    sizes of the competition's rows and of changed rows; raises InputError otherwise, and for a format that cannot hold the model.
    """
    model = result.build_model().eval()
    if is_fitted_once(model):
        raise InputError(
            f"{result.config.model.name} is a fitted estimator, and these formats hold networks",
            mend="predict by goldfold predict, or by the MLflow model of its run",
        )
    description, check = describe(result), _check_of(model, result, prepared)
    deviations = {}
    for name in formats:
        path = folder / f"model.{SUFFIXES[name]}"
        deviations[path] = _write(model, check, result, name, path)
    write_json(folder / "preprocessing.json", {**description, "inputs in order": list(check.inputs)})
    return deviations


def write_onnx(result: FoldResult, prepared: PreparedSet, folder: Path) -> tuple[Path, ...]:
    """Write the networks of all of a fold's checkpoints as ONNX, the best first, each checked as `export` does."""
    paths = []
    for number, model in enumerate(result.build_models()):
        paths.append(folder / f"model-{number:03d}.onnx")
        check = _check_of(model.eval(), result, prepared)
        _write(model, check, result, "onnx", paths[-1])
    return tuple(paths)


def _check_of(model: nn.Module, result: FoldResult, prepared: PreparedSet) -> "_Check":
    view = result.modality.plain_view(prepared, "train", result.spec)
    rows = np.linspace(0, len(prepared.train) - 1, min(COMPARED, len(prepared.train))).astype(int).tolist()
    return _Check(model, view, rows)


def _write(model: nn.Module, check: "_Check", result: FoldResult, name: Format, path: Path) -> float:
    """Write a model in a format, and return its largest deviation; raises InputError as `export` does."""
    with written_whole(path) as draft:
        try:
            with _quiet():
                deviation = check.deviation(_WRITERS[name](model, check.view, check, draft))
        except Exception as error:  # exporters raise errors of many kinds for operators that they lack
            first = next(iter(str(error).splitlines()), repr(error))
            raise InputError(
                f"{result.config.model.name} cannot be written as {name}: {first}",
                mend=f"choose another of the formats {', '.join(SUFFIXES)}, or another backbone",
            ) from error
        if not deviation <= 1:
            raise InputError(
                f"the {name} model deviates from PyTorch by {deviation:.2g} times the tolerance, and was not kept",
                mend="choose another format, and report the network to the format's project",
            )
    return deviation * TOLERANCE


Exported = Callable[[Inputs], Array]
"""A written model, from inputs to logits."""


class _Check:
    """Batches on which an exported model must agree with the model itself: many rows, few, one, and changed values.

    Exporters trace one batch, and code that depends on values or sizes fails on other batches alone.
    """

    def __init__(self, model: nn.Module, view: View, rows: Sequence[int]) -> None:
        self.view = view
        self.inputs = _inputs(view, rows)
        batches = [self.inputs]
        batches += [_inputs(view, some) for some in (rows[:3], *([row] for row in rows))]
        for change in (lambda x: -x, lambda x: 4 * x, torch.zeros_like):
            batches.append({name: change(x) if x.is_floating_point() else x for name, x in self.inputs.items()})
        for change in (lambda x: 255 - x, torch.zeros_like):
            batches.append({name: change(x) if _is_picture(x) else x for name, x in self.inputs.items()})
        with torch.inference_mode():
            self.batches = [(inputs, model(**inputs).numpy()) for inputs in batches]

    def deviation(self, exported: Exported) -> float:
        """Return the largest deviation on any batch, divided by the tolerance; infinite if a batch fails."""
        shares = []
        for inputs, logits in self.batches:
            try:
                shares.append(float((np.abs(exported(inputs) - logits) / (TOLERANCE * (1 + np.abs(logits)))).max()))
            # The exported code depends on the batch that was traced.
            except (RuntimeError, ValueError):
                return float("inf")
        return max(shares)


def _inputs(view: View, rows: Sequence[int]) -> Inputs:
    """Return the model's arguments of some rows."""
    return apart(view.__getitems__([(0, row) for row in rows])[1])[0]


def _is_picture(tensor: torch.Tensor) -> bool:
    return tensor.dtype == torch.uint8 and tensor.ndim == 4


def describe(result: FoldResult) -> dict[str, Any]:
    """Return what a program needs to feed the exported model and to read its output, as JSON."""
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
        "model": {
            "name": result.config.model.name,
            "fold": None if result.is_refit else result.fold,
            "seed": result.seed,
            "score": None if result.is_refit else result.score,
        },
    }


def _dynamic(view: View, inputs: Inputs) -> Dynamic:
    """Return the dimensions of each input that differ between batches: the rows, and the length of padded inputs."""
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    dynamic: Dynamic = {name: {0: batch} for name in inputs}
    if view.lengths is not None:
        _, shortest = view.__getitems__([(0, int(view.lengths.argmin()))])
        for name, tensor in inputs.items():
            if tensor.shape[1:] != shortest[name].shape[1:]:
                dynamic[name][1] = length
    return dynamic


class _InOrder(nn.Module):
    """A model that takes any inputs by name, as one that takes these in order, for exporters need to know them."""

    def __init__(self, model: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.model(**dict(zip(self.names, inputs, strict=True)))
        return logits


def _as_called(model: nn.Module, inputs: Inputs, dynamic: Dynamic) -> tuple[nn.Module, tuple[torch.Tensor, ...], Inputs, Any]:
    """Return a model as exporters can call it, its inputs in order, those by name, and their dynamic dimensions."""
    parameters = inspect.signature(model.forward).parameters.values()
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
        return _InOrder(model, list(inputs)), tuple(inputs.values()), {}, {"inputs": tuple(dynamic[name] for name in inputs)}
    return model, (), inputs, dynamic


def _write_onnx(model: nn.Module, view: View, check: _Check, path: Path) -> Exported:
    import onnx
    import onnxruntime

    program = torch.onnx.export(
        model,
        kwargs=check.inputs,
        input_names=list(check.inputs),
        output_names=["logits"],
        dynamic_shapes=_dynamic(view, check.inputs),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(str(path))
    onnx.checker.check_model(str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: np.asarray(session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})[0])


def _write_torchscript(model: nn.Module, view: View, check: _Check, path: Path) -> Exported:
    """Trace the model; if the trace holds for the traced batch alone, compile its code instead."""
    in_order, args, named, _ = _as_called(model, check.inputs, _dynamic(view, check.inputs))

    with torch.inference_mode():
        traced: Any = torch.jit.trace(  # type: ignore[no-untyped-call]
            in_order, example_inputs=args or None, example_kwarg_inputs=named or None
        )
    torch.jit.save(traced, str(path))
    exported = _script_runner(path, in_order=bool(args))
    if check.deviation(exported) > 1:
        torch.jit.save(torch.jit.script(model), str(path))
        exported = _script_runner(path, in_order=False)
    return exported


def _script_runner(path: Path, in_order: bool) -> Exported:
    loaded = torch.jit.load(str(path))  # type: ignore[no-untyped-call]

    @torch.inference_mode()
    def run(inputs: Inputs) -> Array:
        return np.asarray((loaded(*inputs.values()) if in_order else loaded(**inputs)).numpy())

    return run


def _write_torch_export(model: nn.Module, view: View, check: _Check, path: Path) -> Exported:
    from torch.export._patches import register_lstm_while_loop_decomposition

    model, args, named, changing = _as_called(model, check.inputs, _dynamic(view, check.inputs))
    # Without it an LSTM is exported for one length alone; torch's exporter to ONNX does the same.
    with register_lstm_while_loop_decomposition():
        program = torch.export.export(model, args, named, dynamic_shapes=changing)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    path.write_bytes(buffer.getvalue())
    buffer.seek(0)
    loaded = torch.export.load(buffer).module()

    @torch.inference_mode()
    def run(inputs: Inputs) -> Array:
        return np.asarray((loaded(*inputs.values()) if args else loaded(**inputs)).numpy())

    return run


_WRITERS: dict[Format, Callable[[nn.Module, View, _Check, Path], Exported]] = {
    "onnx": _write_onnx,
    "torchscript": _write_torchscript,
    "torch_export": _write_torch_export,
}


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporters' progress and deprecation warnings."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere), warnings.catch_warnings():  # noqa: PTH123
        warnings.simplefilter("ignore")
        yield
