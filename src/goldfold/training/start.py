"""Where the training of a fold starts: a model that has learned nothing of it, and the rows to learn from."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import pandas as pd
from torch import nn

from goldfold.config import FoldConfig
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.protocol import Learning, Spec, find_learning
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import ALWAYS
from goldfold.training.batches import seed_everything
from goldfold.training.device import Compute
from goldfold.training.evaluate import Evaluation
from goldfold.training.fold_result import FoldResult
from goldfold.training.key import training_key
from goldfold.training.pseudo import with_pseudo_labels
from goldfold.training.reporter import Row
from goldfold.training.targets import TargetCodec


@dataclass
class Start:
    """A fold with its model, its targets and its rows; `truth` is that of all rows of the training table.

    With train.pseudo, the test rows stand after the training rows, and with soft labels `pseudo` are their probabilities.
    """

    fold: int
    seed: int
    key: str
    config: FoldConfig
    prepared: PreparedSet
    modality: Learning
    spec: Spec
    model: nn.Module
    codec: TargetCodec
    compute: Compute
    truth: Array
    training_rows: Array
    validation_rows: Array
    pseudo: Array | None

    @property
    def name(self) -> str:
        """The fold's name for people."""
        return self.config.train.name_of(self.fold, self.seed)

    def require_numbers(self, judged: Evaluation, epoch: int) -> Evaluation:
        """Return `judged`; raises InputError where it holds no number to compare."""
        if judged.score != judged.score:
            metric = self.codec.problem.metric
            raise InputError(
                f"{metric} is undefined on the validation rows of fold {self.fold} (a class may be missing there)",
                mend="use fewer folds, split.strategy: stratified, or another competition.metric",
            )
        if abs(judged.loss) == float("inf") or judged.loss != judged.loss:
            raise InputError(
                f"the validation loss of fold {self.fold} is {judged.loss} in epoch {epoch + 1}",
                mend="lower train.lr or set train.clip_grad: 1.0",
            )
        return judged

    def checkpoint(self, model: nn.Module, judged: Evaluation, epoch: int, history: list[Row]) -> FoldResult:
        """The fold's result, as the model of this epoch is judged."""
        return FoldResult(
            fold=self.fold,
            seed=self.seed,
            key=self.key,
            ended="finished",
            epoch=epoch,
            score=judged.score,
            loss=judged.loss,
            codec=self.codec,
            spec=self.spec,
            config=FoldConfig.model_validate({name: getattr(self.config, name) for name in FoldConfig.model_fields}),
            prepared=self.prepared.fingerprint,
            device=self.compute.device.type,
            precision=self.compute.precision,
            rows={"training": len(self.training_rows), "validation": len(self.validation_rows)},
            versions={name: version(name) for name in ("torch", "timm", "scikit-learn")},
            weights={name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()},
            history=pd.DataFrame(history),
        )


def start(
    prepared: PreparedSet, fold: int, seed: int, config: FoldConfig, compute: Compute, noted: Callable[[str], None]
) -> Start:
    """Build the model of a fold for a seed; raises InputError for what params.yaml names and the libraries refuse."""
    problem, key = prepared.problem, training_key(prepared, fold, seed, config, compute)
    pseudo, chosen = None, config.train.pseudo
    if chosen:
        prepared, predicted = with_pseudo_labels(prepared, fold, chosen)
        pseudo = predicted if chosen.soft and problem.task != "regression" else None
        added = int((prepared.folds[-len(predicted) :] == ALWAYS).sum())
        noted(f"pseudo-labels: {added} of {len(predicted)} test rows from {chosen.labels.name}")
    modality = find_learning(problem.modality)
    truth = problem.truth(prepared.train)
    training, validation = prepared.training_rows(fold), prepared.validation_rows(fold)
    if not len(validation):
        known = sorted({int(known) for known in prepared.folds if known >= 0})
        raise InputError(f"the prepared set has no fold {fold}, only {known}", mend="correct split.folds in params.yaml")
    codec = TargetCodec.fit(problem, truth[training], config.train.target_transform)
    seed_everything(seed, fold)
    spec = modality.input_spec(config.model, prepared, training)
    model: Any = modality.build_model(config.model, spec, problem, config.model.starts_pretrained, noted)
    return Start(
        fold=fold,
        seed=seed,
        key=key,
        config=config,
        prepared=prepared,
        modality=modality,
        spec=spec,
        model=model.to(compute.device),
        codec=codec,
        compute=compute,
        truth=truth,
        training_rows=training,
        validation_rows=validation,
        pseudo=pseudo,
    )


def is_fitted_once(model: nn.Module) -> bool:
    """Whether a model is an estimator, which has no gradients to follow."""
    return hasattr(model, "fit")
