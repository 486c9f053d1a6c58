"""FoldResult: the best checkpoint of a fold, and how it was trained."""

import math
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from goldfold.config import REFIT, FoldConfig, PredictConfig, parse_fold_config, place_of
from goldfold.errors import InputError
from goldfold.files import read_json, write_json, written_by_this_version, written_whole
from goldfold.modalities.protocol import Learning, Spec, find_learning
from goldfold.prepare import PreparedSet
from goldfold.training.device import Precision
from goldfold.training.targets import TargetCodec

Ended = Literal["finished", "max_hours", "interrupted"]
FURTHER = "further"
SHARED, TENSOR = "shared.json", "tensor"
"""What a bundle's checkpoints share: the file of each tensor that lies outside, by the tensor's name, and the name there."""


@dataclass(frozen=True)
class Checkpoint:
    """The weights of another of a fold's best epochs, and their score."""

    epoch: int
    score: float
    loss: float
    weights: dict[str, torch.Tensor] = field(repr=False)


@dataclass
class FoldResult:
    """The weights of the best epoch, what is needed to rebuild and validate the model, and the history of all epochs.

    Files: model.safetensors, model.json (everything here except weights and history), history.csv (one row per epoch), and of a
    bundle for CPUs `onnx`, the networks of all checkpoints, the best first, for ONNX Runtime.
    `score` is the competition's metric on the fold's validation rows, `prepared` the fingerprint of their set, and `key`
    the training's identity. A training that `ended` before it was finished resumes from its state. With
    train.keep_best, `further` holds the checkpoints after the best one. A refit has the fold REFIT and its last weights; its
    `score` and `loss` are NaN, null in the file, as it is not validated.
    """

    fold: int
    seed: int
    key: str
    ended: Ended
    epoch: int
    score: float
    loss: float
    codec: TargetCodec
    spec: Spec
    config: FoldConfig
    prepared: str
    device: str
    precision: Precision
    threads: int
    rows: dict[str, int]
    versions: dict[str, str]
    weights: dict[str, torch.Tensor] = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    further: tuple[Checkpoint, ...] = ()
    onnx: tuple[Path, ...] = ()

    def save(self, folder: Path) -> None:
        """Write the files."""
        with written_whole(folder / "model.safetensors") as draft:
            save_file({name: tensor.contiguous() for name, tensor in self._all_weights()}, draft)
        card = {
            "fold": self.fold,
            "seed": self.seed,
            "key": self.key,
            "ended": self.ended,
            "epoch": self.epoch,
            "metric": self.codec.problem.metric,
            "score": None if self.is_refit else self.score,
            "loss": None if self.is_refit else self.loss,
            "codec": self.codec.to_json(),
            "input": self.spec,
            "prepared": self.prepared,
            "device": self.device,
            "precision": self.precision,
            "threads": self.threads,
            "rows": self.rows,
            "versions": self.versions,
            "config": self.config.model_dump(mode="json", by_alias=True),
            "further": [{"epoch": other.epoch, "score": other.score, "loss": other.loss} for other in self.further],
        }
        write_json(folder / "model.json", card)
        with written_whole(folder / "history.csv") as draft:
            self.history.to_csv(draft, index=False)
        for path in self.onnx:
            with written_whole(folder / path.name) as draft:
                shutil.copyfile(path, draft)

    @classmethod
    def load(cls, folder: Path) -> "FoldResult":
        """Read what `save` wrote."""
        if not (folder / "model.json").is_file():
            trained = sorted({f"fold {card.parent.parent.name}" for card in folder.parent.parent.glob("*/*/model.json")})
            mend = "choose one of these; `dvc repro` trains those of split.folds" if trained else "train it: run `dvc repro`"
            raise InputError(f"there is no trained fold in {folder}" + (", only" if trained else ""), trained, mend)
        with written_by_this_version(f"the checkpoint in {folder}", "train it again: `dvc repro -f train`"):
            card = read_json(folder / "model.json")
            codec = TargetCodec.from_json(card["codec"])
            tensors = _weights(folder / "model.safetensors")
            further = [
                Checkpoint(**scores, weights=_popped(tensors, f"{FURTHER}{number}/"))
                for number, scores in enumerate(card.get("further", ()))
            ]
            return cls(
                fold=card["fold"],
                seed=card["seed"],
                key=card["key"],
                ended=card["ended"],
                epoch=card["epoch"],
                score=math.nan if card["score"] is None else card["score"],
                loss=math.nan if card["loss"] is None else card["loss"],
                codec=codec,
                spec=card["input"],
                config=parse_fold_config(card["config"], codec.problem.modality),
                prepared=card["prepared"],
                device=card["device"],
                precision=card["precision"],
                threads=card["threads"],
                rows=card["rows"],
                versions=card["versions"],
                weights=tensors,
                history=_history(folder / "history.csv"),
                further=tuple(further),
                onnx=tuple(sorted(folder.glob("*.onnx"))),
            )

    @property
    def is_refit(self) -> bool:
        """Whether it was trained on all rows, and so is validated by none."""
        return self.fold == REFIT

    @property
    def name(self) -> str:
        """Its name for people."""
        return self.config.train.name_of(self.fold, self.seed)

    @property
    def place(self) -> str:
        """Where it lies among the results of all folds."""
        return place_of(self.fold, self.seed)

    @property
    def modality(self) -> Learning:
        """The kind of input that the model reads."""
        return find_learning(self.codec.problem.modality)

    def build_model(self) -> nn.Module:
        """Build the model with its weights on the CPU, without pretrained weights."""
        return next(self.build_models())

    def build_models(self) -> Iterator[nn.Module]:
        """Yield the model with the weights of each checkpoint, the best first, as `build_model` does."""
        for weights in (self.weights, *(checkpoint.weights for checkpoint in self.further)):
            model = self.modality.build_model(self.config.model, self.spec, self.codec.problem, pretrained=False)
            model.load_state_dict(weights)
            yield model

    def _all_weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        yield from self.weights.items()
        for number, checkpoint in enumerate(self.further):
            yield from ((f"{FURTHER}{number}/{name}", tensor) for name, tensor in checkpoint.weights.items())

    def require_prepared(self, prepared: PreparedSet) -> None:
        """Raise InputError unless the fold was trained on `prepared`."""
        if self.prepared != prepared.fingerprint:
            raise InputError(
                f"{self.name} was trained on another prepared set than the present one",
                mend="train it again: dvc repro -f -s train",
            )


def best_of(results: Sequence[FoldResult]) -> FoldResult:
    """Return the result with the best score on its own validation rows, the first of equals."""
    maximize = results[0].codec.problem.scored_by.maximize
    return (max if maximize else min)(results, key=lambda result: result.score)


def _weights(file: Path) -> dict[str, torch.Tensor]:
    """Read weights, and those that a bundle keeps once for several checkpoints; raises ValueError where they are damaged."""
    outside = file.with_name(SHARED)
    try:
        shared = read_json(outside) if outside.is_file() else {}
        return load_file(file) | {name: load_file(file.parent / path)[TENSOR] for name, path in shared.items()}
    except SafetensorError as error:
        raise ValueError(f"{file.name}: {error}") from error


def _history(file: Path) -> pd.DataFrame:
    """Read a history; raises ValueError where it is damaged."""
    history = pd.read_csv(file)
    if history.isna().any(axis=None):
        raise ValueError(f"{file.name} is cut")
    return history


def _popped(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Remove the tensors whose names start with `prefix`, and return them without it."""
    return {name.removeprefix(prefix): tensors.pop(name) for name in list(tensors) if name.startswith(prefix)}


def load_folds(folder: Path, folds: Sequence[int], seeds: Sequence[int]) -> list[FoldResult]:
    """Load the results of exactly these folds and seeds, each from `folder`/<fold>/<seed>."""
    return [FoldResult.load(folder / place_of(fold, seed)) for fold in folds for seed in seeds]


def load_refits(folder: Path, config: PredictConfig) -> list[FoldResult]:
    """Load the models on all rows that predict.refit asks for, each from `folder`/refit/<seed>."""
    return load_folds(folder, [REFIT], config.refits)
