"""Fold: the data and settings of one training."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import pandas as pd
import torch
from torch import nn

from goldfold.config import REFIT, FoldConfig
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.protocol import Learning, Spec, View, find_learning
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import ALWAYS
from goldfold.training.batches import seed_everything
from goldfold.training.device import Compute
from goldfold.training.evaluation import Evaluation
from goldfold.training.fold_result import FoldResult
from goldfold.training.pseudo import with_pseudo_labels
from goldfold.training.ranks import world
from goldfold.training.reporter import Plan, Row
from goldfold.training.targets import TargetCodec

Note = Callable[[str], None]


class UndefinedError(InputError):
    """The score or the loss of validation rows is not a number."""


@dataclass(frozen=True)
class Fold:
    """The training and validation rows of one training, their targets, and the settings.

    `truth` is the truth of all rows of `prepared.train`. With train.pseudo the test rows follow the training rows; with soft
    labels `pseudo` holds their probabilities. A refit learns from all rows and has none to validate: its `length` is for how many
    epochs or rounds it is trained.
    """

    number: int
    seed: int
    config: FoldConfig
    prepared: PreparedSet
    training_rows: Array
    validation_rows: Array
    truth: Array
    codec: TargetCodec
    spec: Spec
    pseudo: Array | None = None
    length: int | None = None

    @property
    def name(self) -> str:
        """The fold's name for people."""
        return self.config.train.name_of(self.number, self.seed)

    @property
    def is_refit(self) -> bool:
        """Whether it is trained on all rows."""
        return self.number == REFIT

    @property
    def modality(self) -> Learning:
        """The kind of input that the model reads."""
        return find_learning(self.prepared.problem.modality)

    @property
    def weights(self) -> Array | None:
        """How much each row counts, (n,), with a mean of 1 over the training rows; None where all count alike."""
        weights = self.prepared.weights
        return None if weights is None else weights / weights[self.training_rows].mean()

    @property
    def validation_table(self) -> pd.DataFrame:
        """The validation rows."""
        return self.prepared.train.iloc[self.validation_rows]

    def build_model(self, note: Note) -> nn.Module:
        """Build the model on the CPU; its initial weights depend on the seed and the fold alone."""
        seed_everything(self.seed, self.number)
        model = self.config.model
        return self.modality.build_model(model, self.spec, self.prepared.problem, model.starts_pretrained, note)

    def plain_view(self) -> View:
        """Return the training table as the model is validated on it."""
        return self.modality.plain_view(self.prepared, "train", self.spec)

    def training_view(self) -> View:
        """Return the training table as the model learns from it, augmented."""
        train = self.config.train
        return self.modality.training_view(
            self.prepared, self.training_rows, self.spec, self.config.augment, self.seed, train.continue_from or train.epochs
        )

    def plan(self, epochs: int, steps: int, compute: Compute, epochs_done: int = 0) -> Plan:
        """Return what a training is about to do."""
        rows, metric = (len(self.training_rows), len(self.validation_rows)), self.codec.problem.scored_by.name
        device = str(compute.device) if world() == 1 else f"{world()} x {compute.device.type}"
        threads = torch.get_num_threads()
        return Plan(self.name, epochs, steps, *rows, metric, device, compute.precision, threads, epochs_done)

    def result(self, key: str, model: nn.Module, compute: Compute, judged: Evaluation, history: list[Row]) -> FoldResult:
        """Return the result of the model's present weights; `judged` and the last row of `history` are theirs."""
        return FoldResult(
            fold=self.number,
            seed=self.seed,
            key=key,
            ended="finished",
            epoch=int(history[-1]["epoch"]),
            score=judged.score,
            loss=judged.loss,
            codec=self.codec,
            spec=self.spec,
            config=FoldConfig.model_validate({name: getattr(self.config, name) for name in FoldConfig.model_fields}),
            prepared=self.prepared.fingerprint,
            device=compute.device.type,
            precision=compute.precision,
            threads=torch.get_num_threads(),
            rows={"training": len(self.training_rows), "validation": len(self.validation_rows)},
            versions={name: version(name) for name in ("torch", "timm", "scikit-learn")},
            weights={name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()},
            history=pd.DataFrame(history),
        )

    def require_numbers(self, judged: Evaluation, epoch: int) -> Evaluation:
        """Return `judged`; raises UndefinedError where its score or its loss is not a number."""
        if judged.score != judged.score:
            raise UndefinedError(
                f"{self.codec.problem.metric} is undefined on the validation rows of {self.name} (a class may be missing there)",
                mend="use fewer folds, split.strategy: stratified, or another competition.metric",
            )
        if not torch.tensor(judged.loss).isfinite():
            raise UndefinedError(
                f"the validation loss of {self.name} is {judged.loss} in epoch {epoch + 1}",
                mend="lower train.lr or set train.clip_grad: 1.0",
            )
        return judged


def read_fold(
    prepared: PreparedSet,
    number: int,
    seed: int,
    config: FoldConfig,
    note: Note = lambda _: None,
    length: int | None = None,
) -> Fold:
    """Read a fold's data and settings, or those of a refit of some `length`.

    Raises InputError for a fold that the prepared set does not have.
    """
    problem, pseudo, chosen = prepared.problem, None, config.train.pseudo
    if chosen:
        prepared, predicted = with_pseudo_labels(prepared, number, chosen)
        pseudo = predicted if chosen.soft and problem.task != "regression" else None
        added = int((prepared.folds[-len(predicted) :] == ALWAYS).sum())
        note(f"pseudo-labels: {added} of {len(predicted)} test rows from {chosen.labels.name}")
    training, validation = prepared.training_rows(number), prepared.validation_rows(number)
    if not len(validation) and number != REFIT:
        numbers = sorted({int(fold) for fold in prepared.folds if fold >= 0})
        raise InputError(
            f"the prepared set has no fold {number}, only {numbers}", mend="choose one of these (split.folds in params.yaml)"
        )
    truth = problem.truth(prepared.train)
    codec = TargetCodec.fit(problem, truth[training], config.train.target_transform)
    seed_everything(seed, number)
    spec = find_learning(problem.modality).input_spec(config.model, prepared, training)
    return Fold(number, seed, config, prepared, training, validation, truth, codec, spec, pseudo, length)
