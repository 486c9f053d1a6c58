"""All that the training of a fold works with, set up from the prepared set and params.yaml."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import FoldConfig, TrainConfig
from goldfold.errors import InputError
from goldfold.imports import called, named
from goldfold.metrics import Array
from goldfold.modalities.protocol import View
from goldfold.prepare import PreparedSet
from goldfold.training.averaging import WeightAverage
from goldfold.training.batches import EpochSampler, default_workers, padding, plain_batches, training_batches
from goldfold.training.device import Compute
from goldfold.training.features import feature_views
from goldfold.training.finetune import require_head
from goldfold.training.optimisation import Schedule, build_loss, build_optimizer
from goldfold.training.reporter import Plan, Reporter
from goldfold.training.start import Start, is_fitted_once, start
from goldfold.training.stopping import Stop, never


@dataclass
class Setup(Start):
    """A fold's network and everything that trains it.

    `targets` is what the training loss compares, for each row of the training table; `plain_loss` is the loss without
    class weights, by which models are judged. `network` is what a training batch passes through, `model` or its head, compiled if
    train.compile. `steps` counts the batches of a whole epoch. `micro_batch_size` falls when
    memory runs out. With `on_features`, batches are features of the frozen backbone, and the head alone reads them.
    """

    network: Callable[..., torch.Tensor]
    average: WeightAverage
    loss: nn.Module
    plain_loss: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    scaler: torch.amp.GradScaler
    sampler: EpochSampler
    batches: Any
    steps: int
    mix: tuple[Callable[..., Any], ...]
    targets: torch.Tensor
    validation: Any
    micro_batch_size: int
    on_features: bool

    def reader(self, model: nn.Module) -> nn.Module:
        """The part of a model that reads the batches."""
        return model.head if self.on_features else model  # type: ignore[return-value]

    def plan(self) -> Plan:
        """What the fold is about to do."""
        return Plan(
            name=self.name,
            epochs=self.config.train.epochs,
            steps=self.steps,
            training_rows=len(self.training_rows),
            validation_rows=len(self.validation_rows),
            metric=self.codec.problem.scored_by.name,
            device=str(self.compute.device),
            precision=self.compute.precision,
        )


def set_up(
    prepared: PreparedSet,
    fold: int,
    seed: int,
    config: FoldConfig,
    compute: Compute,
    reporter: Reporter,
    scratch: Path | None = None,
    stop: Stop = never,
) -> Setup:
    """Start the training of a fold with a seed, and equip it; raises InputError as these do, and for an estimator."""
    begun = start(prepared, fold, seed, config, compute, reporter.noted)
    if is_fitted_once(begun.model):
        raise InputError(f"{config.model.name} is fitted at once, without steps", mend="this is for networks; run dvc repro")
    return equip(begun, reporter, scratch, stop)


def equip(begun: Start, reporter: Reporter, scratch: Path | None = None, stop: Stop = never) -> Setup:
    """All that trains the model of a fold; raises InputError for what params.yaml names and the libraries refuse.

    A frozen backbone's features are computed here, and kept in `scratch`, a folder that outlives the stage.
    """
    config, prepared, model, modality = begun.config, begun.prepared, begun.model, begun.modality
    problem, train, compute = prepared.problem, config.train, begun.compute
    require_head(model, config.finetune)
    workers = default_workers() if train.workers is None else train.workers
    epochs = train.continue_from or train.epochs
    augmented: View = modality.training_view(prepared, begun.training_rows, begun.spec, config.augment, begun.seed, epochs)
    plain: View = modality.plain_view(prepared, "train", begun.spec)
    views = feature_views(begun, (augmented, plain), workers, scratch, reporter.noted, stop)
    augmented, plain = views or (augmented, plain)
    workers = 0 if views else workers
    truth = begun.truth[begun.training_rows]
    balanced = balanced_rows(problem, truth) if train.sampling == "balanced" else None
    lengths = augmented.lengths if train.bucket else None
    sampler = EpochSampler(begun.training_rows, begun.seed, balanced, lengths, train.batch_size)
    if lengths is not None:
        shuffled = EpochSampler(begun.training_rows, begun.seed, balanced)
        found, without = (padding(each, lengths, train.batch_size) for each in (sampler, shuffled))
        reporter.noted(f"padding: {found:.0%} of the inputs, {without:.0%} without buckets")
    batches = training_batches(augmented, sampler, train.batch_size, workers)
    optimizer = build_optimizer(train, config.finetune, model)
    targets = begun.codec.encode(begun.truth)
    if train.label_smoothing and problem.task == "regression":
        raise InputError("params.yaml, train.label_smoothing: a regression has no labels to smooth", mend="leave it out")
    if train.label_smoothing or train.mix or begun.pseudo is not None:
        targets = begun.codec.soft(targets, train.label_smoothing)
    if begun.pseudo is not None:
        targets[-len(begun.pseudo) :] = torch.tensor(begun.pseudo, dtype=torch.float32).reshape(len(begun.pseudo), -1)
    loss = build_loss(train, problem.task, class_weights(train, problem, truth))
    _require_fit(loss, train, begun.codec.outputs, targets[:2])
    reader: nn.Module = model.head if views else model  # type: ignore[assignment]
    return Setup(
        **vars(begun),
        # Inputs of ever another length are not to be compiled for each.
        network=torch.compile(reader, dynamic=None if augmented.lengths is not None else False) if train.compile else reader,
        average=WeightAverage(train.average, model),
        loss=loss.to(compute.device),
        plain_loss=build_loss(train, problem.task),
        optimizer=optimizer,
        schedule=Schedule(train, config.finetune, optimizer, epochs, len(batches)),
        scaler=torch.amp.GradScaler(compute.device.type, enabled=compute.precision == "fp16"),
        sampler=sampler,
        batches=batches,
        steps=len(batches),
        mix=_mixing(train),
        targets=compute.to_device(targets),
        validation=plain_batches(plain, begun.validation_rows, train.micro_batch_size or train.batch_size, workers),
        micro_batch_size=train.micro_batch_size or train.batch_size,
        on_features=views is not None,
    )


def _require_fit(loss: nn.Module, train: TrainConfig, outputs: int, targets: torch.Tensor) -> None:
    """Raise InputError where the loss refuses the targets, or gives more than one number."""
    try:
        value: torch.Tensor = loss(torch.zeros(len(targets), outputs), targets)
        why = "" if value.ndim == 0 else f"it gives a value of shape {tuple(value.shape)}, not the mean over the batch"
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        why = next(iter(str(error).splitlines()), repr(error))
    if why:
        softened = train.mix or train.label_smoothing or (train.pseudo and train.pseudo.soft)
        soft = " that mix, label_smoothing or pseudo.soft made soft" if softened else ""
        raise InputError(
            f"params.yaml, train.loss: {train.loss.name if train.loss else type(loss).__name__} does not take logits of "
            f"shape {(len(targets), outputs)} with {targets.dtype} targets{soft} of shape {tuple(targets.shape)}: {why}",
            mend="choose a loss for this task" + (", or leave out mix, label_smoothing and pseudo.soft" if soft else ""),
        )


def class_weights(train: TrainConfig, problem: Problem, truth: Array) -> torch.Tensor | None:
    """The weight of each class, or of each label's positives, that train.class_weights asks for.

    Balanced is n / (classes * rows of the class), as scikit-learn's; of a label, negatives / positives.
    """
    if train.class_weights is None:
        return None
    if problem.task == "regression":
        raise InputError("params.yaml, train.class_weights: a regression has no classes", mend="leave it out")
    labels = len(problem.outputs) if problem.task != "multiclass" else 0
    if train.class_weights != "balanced":
        wanted = labels or len(problem.classes)
        if len(train.class_weights) != wanted:
            of = ", ".join(problem.classes[-1:] if problem.task == "binary" else problem.outputs)
            raise InputError(
                f"params.yaml, train.class_weights has {len(train.class_weights)} values for {wanted}", mend=f"give one for: {of}"
            )
        return torch.tensor(train.class_weights)
    if labels:
        positives = truth.reshape(len(truth), -1).sum(axis=0)
        return torch.tensor(np.maximum(len(truth) - positives, 1) / np.maximum(positives, 1), dtype=torch.float32)
    counts = np.bincount(problem.class_of(truth), minlength=len(problem.classes))
    return torch.tensor(len(truth) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32)


def balanced_rows(problem: Problem, truth: Array) -> Array:
    """How often each row is to be drawn so that each class comes equally often."""
    if not problem.is_exclusive:
        raise InputError(
            f"params.yaml, train.sampling: balanced draws classes equally often, and a {problem.task} task has none",
            mend="leave it out" + ("" if problem.task == "regression" else ", or use train.class_weights: balanced"),
        )
    classes = problem.class_of(truth)
    return np.asarray(1 / np.bincount(classes, minlength=len(problem.classes))[classes])


def _mixing(train: TrainConfig) -> tuple[Callable[..., Any], ...]:
    """The transforms of train.mix, which take images and soft targets."""
    if not train.mix:
        return ()
    transforms = []
    for position, component in enumerate(train.mix):
        key = f"train.mix.{position}"
        factory = named(component.name, ["torchvision.transforms.v2"], f"{key}.name")
        if component.name not in ("MixUp", "CutMix") and ":" not in component.name:
            raise InputError(f"params.yaml, {key}: {component.name} mixes nothing", mend="give MixUp or CutMix")
        transforms.append(called(factory, key, **component.args))
    return tuple(transforms)
