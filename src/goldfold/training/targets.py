"""Convert a problem's targets to what a loss compares, and a network's outputs to predictions."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from goldfold.competition import Problem
from goldfold.masks import Cell, packed
from goldfold.metrics import Array


@dataclass(frozen=True)
class TargetCodec:
    """Encodes truth for the loss, and decodes logits to predictions; both have the shapes of goldfold.metrics.

    A regression's values are learned as log1p if `log1p`, then standardised by `mean` and `std`, (targets,).
    """

    problem: Problem
    log1p: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    @classmethod
    def fit(cls, problem: Problem, truth: Array, transform: str) -> "TargetCodec":
        """Fit to the truth of a fold's training rows. `transform` is train.target_transform."""
        if problem.task != "regression":
            return cls(problem)
        log1p = transform == "log1p" or (transform == "auto" and problem.scored_by.logs)
        values = truth.reshape(len(truth), -1)
        values = np.log1p(np.maximum(values, 0)) if log1p else values
        deviation = np.where(values.std(axis=0) > 0, values.std(axis=0), 1.0)
        return cls(problem, log1p, tuple(values.mean(axis=0).tolist()), tuple(deviation.tolist()))

    @property
    def is_dense(self) -> bool:
        """Whether the network gives a value for each place of its input, as masks ask for; the views then hold the targets."""
        return self.problem.has_masks

    @property
    def outputs(self) -> int:
        """The number of the network's outputs."""
        return len(self.problem.outputs)

    def encode(self, truth: Array) -> torch.Tensor:
        """Return what the loss compares with logits: class indices (n,) int64, else (n, outputs) float32 (for votes, shares)."""
        if self.problem.task == "multiclass":
            return torch.tensor(truth, dtype=torch.float32 if truth.ndim > 1 else torch.int64)
        values = truth.reshape(len(truth), -1).astype(np.float64)
        if self.problem.task == "regression":
            values = np.log1p(np.maximum(values, 0)) if self.log1p else values
            values = (values - self.mean) / self.std
        return torch.from_numpy(values.astype(np.float32))

    def soft(self, target: torch.Tensor, smoothing: float) -> torch.Tensor:
        """Return encoded targets as (n, outputs) float32, with a share `smoothing` of each spread over all classes."""
        if self.problem.task == "multiclass":
            target = target if target.is_floating_point() else torch.nn.functional.one_hot(target, self.outputs).float()
            return target * (1 - smoothing) + smoothing / self.outputs
        return target if self.problem.task == "regression" else target * (1 - smoothing) + smoothing / 2

    def decode(self, logits: torch.Tensor) -> Array:
        """Return the predictions of logits (n, outputs): probabilities or values, float64."""
        logits = logits.double()
        task = self.problem.task
        if task == "multiclass":
            return np.asarray(logits.softmax(dim=1).numpy())
        if task == "regression":
            values = logits.numpy() * self.std + self.mean
            values = np.maximum(np.expm1(values), 0) if self.log1p else values
            return values[:, 0] if values.shape[1] == 1 else values
        probabilities = logits.sigmoid().numpy()
        return probabilities[:, 0] if task == "binary" else probabilities

    def encode_dense(self, targets: torch.Tensor) -> torch.Tensor:
        """Return a batch's targets of 0 to 255, (b, outputs, height, width), as the loss compares them with logits: 0 to 1."""
        return targets.float() / 255

    def decode_dense(self, logits: torch.Tensor, sizes: torch.Tensor) -> Array:
        """Return the predictions of logits (b, outputs, height, width): cells (b, outputs) of inputs of `sizes`, (b, 2)."""
        levels = (logits.float().sigmoid() * 255).round().to(torch.uint8).cpu().numpy()
        cells = np.empty(levels.shape[:2], object)
        for row, (height, width) in enumerate(sizes.tolist()):
            for output in range(levels.shape[1]):
                cells[row, output] = packed(Cell(levels[row, output], height, width))
        return cells

    def to_json(self) -> dict[str, Any]:
        """Return the codec as JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "TargetCodec":
        """Return the codec of what `to_json` returned."""
        return cls(Problem.from_json(value["problem"]), value["log1p"], tuple(value["mean"]), tuple(value["std"]))
