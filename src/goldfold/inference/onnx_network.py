"""A network that ONNX Runtime computes on the CPU, in place of PyTorch's."""

from pathlib import Path

import torch
from torch import nn

from goldfold.errors import InputError


class OnnxNetwork(nn.Module):
    """A network in a file of ONNX, from inputs by their names to logits (b, …) float32; raises InputError without the library."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise InputError(
                "this bundle predicts by ONNX Runtime, which is not installed",
                mend="pip install onnxruntime, or bundle again with --wheels onnxruntime flatbuffers",
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        given = {entry.name: inputs[entry.name].cpu().numpy() for entry in self.session.get_inputs()}
        logits = torch.from_numpy(self.session.run(["logits"], given)[0])
        return logits.to(next(iter(inputs.values())).device)
