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
from goldfold.modalities.protocol import Learning, Spec, View, find_learning
from goldfold.prepare import PreparedSet
from goldfold.training.averaging import WeightAverage
from goldfold.training.batches import (
    EpochSampler,
    default_workers,
    padding,
    plain_batches,
    seed_everything,
    training_batches,
)
from goldfold.training.device import Compute
from goldfold.training.features import feature_views
from goldfold.training.finetune import require_head
from goldfold.training.key import training_key
from goldfold.training.optimisation import Schedule, build_loss, build_optimizer
from goldfold.training.reporter import Plan, Reporter
from goldfold.training.stopping import Stop, never
from goldfold.training.targets import TargetCodec


@dataclass
class Setup:
    """A fold's model and everything that trains it.

    `targets` is what the training loss compares, for each row of the training table; `plain_loss` is the loss without
    class weights, by which models are judged. `network` is what a training batch passes through, `model` or its head, compiled if
    train.compile. `steps` counts the batches of a whole epoch. `micro_batch_size` falls when
    memory runs out. With `on_features`, batches are features of the frozen backbone, and the head alone reads them.
    """

    fold: int
    seed: int
    key: str
    config: FoldConfig
    prepared: PreparedSet
    modality: Learning
    spec: Spec
    model: nn.Module
    network: Callable[..., torch.Tensor]
    average: WeightAverage
    loss: nn.Module
    plain_loss: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    scaler: torch.amp.GradScaler
    codec: TargetCodec
    compute: Compute
    sampler: EpochSampler
    batches: Any
    steps: int
    mix: tuple[Callable[..., Any], ...]
    targets: torch.Tensor
    validation: Any
    validation_truth: Array
    micro_batch_size: int
    on_features: bool
    rows: dict[str, int]

    def reader(self, model: nn.Module) -> nn.Module:
        """The part of a model that reads the batches."""
        return model.head if self.on_features else model  # type: ignore[return-value]

    def plan(self) -> Plan:
        """What the fold is about to do."""
        return Plan(
            name=self.config.train.name_of(self.fold, self.seed),
            epochs=self.config.train.epochs,
            steps=self.steps,
            training_rows=self.rows["training"],
            validation_rows=self.rows["validation"],
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
    """Set up the training of a fold with a seed; raises InputError for what params.yaml names and the libraries refuse.

    A frozen backbone's features are computed here, and kept in `scratch`, a folder that outlives the stage.
    """
    problem, train = prepared.problem, config.train
    modality = find_learning(problem.modality)
    truth = problem.truth(prepared.train)
    training, validation = prepared.training_rows(fold), prepared.validation_rows(fold)
    if not len(validation):
        known = sorted({int(known) for known in prepared.folds if known >= 0})
        raise InputError(f"the prepared set has no fold {fold}, only {known}", mend="correct split.folds in params.yaml")
    codec = TargetCodec.fit(problem, truth[training], train.target_transform)
    seed_everything(seed, fold)
    spec = modality.input_spec(config.model, prepared, training)
    model = modality.build_model(config.model, spec, problem, config.model.starts_pretrained, reporter.noted).to(compute.device)
    require_head(model, config.finetune)
    workers = default_workers() if train.workers is None else train.workers
    epochs = train.continue_from or train.epochs
    augmented: View = modality.training_view(prepared, training, spec, config.augment, seed, epochs)
    plain: View = modality.plain_view(prepared, "train", spec)
    views = feature_views(
        prepared, fold, seed, config, spec, model, (augmented, plain), compute, workers, scratch, reporter.noted, stop
    )
    augmented, plain = views or (augmented, plain)
    workers = 0 if views else workers
    balanced = _balanced_rows(problem, truth[training]) if train.sampling == "balanced" else None
    sampler = EpochSampler(training, seed, balanced, augmented.lengths if train.bucket else None, train.batch_size)
    if sampler.lengths is not None:
        unsorted = padding(EpochSampler(training, seed, balanced), sampler.lengths, train.batch_size)
        reporter.noted(
            f"padding: {padding(sampler, sampler.lengths, train.batch_size):.0%} of the inputs, {unsorted:.0%} without buckets"
        )
    batches = training_batches(augmented, sampler, train.batch_size, workers)
    optimizer = build_optimizer(train, config.finetune, model)
    targets = codec.encode(truth)
    if train.label_smoothing and problem.task == "regression":
        raise InputError("params.yaml, train.label_smoothing: a regression has no labels to smooth", mend="leave it out")
    if train.label_smoothing or train.mix:
        targets = codec.soft(targets, train.label_smoothing)
    loss = build_loss(train, problem.task, class_weights(train, problem, truth[training]))
    _require_fit(loss, train, codec.outputs, targets[:2])
    reader: nn.Module = model.head if views else model  # type: ignore[assignment]
    return Setup(
        fold=fold,
        seed=seed,
        key=training_key(prepared, fold, seed, config, compute),
        config=config,
        prepared=prepared,
        modality=modality,
        spec=spec,
        model=model,
        # A length that changes from batch to batch is not to be compiled for each.
        network=torch.compile(reader, dynamic=None if augmented.lengths is not None else False) if train.compile else reader,
        average=WeightAverage(train.average, model),
        loss=loss.to(compute.device),
        plain_loss=build_loss(train, problem.task),
        optimizer=optimizer,
        schedule=Schedule(train, config.finetune, optimizer, epochs, len(batches)),
        scaler=torch.amp.GradScaler(compute.device.type, enabled=compute.precision == "fp16"),
        codec=codec,
        compute=compute,
        sampler=sampler,
        batches=batches,
        steps=len(batches),
        mix=_mixing(train),
        targets=compute.to_device(targets),
        validation=plain_batches(plain, validation, train.micro_batch_size or train.batch_size, workers),
        validation_truth=truth[validation],
        micro_batch_size=train.micro_batch_size or train.batch_size,
        on_features=views is not None,
        rows={"training": len(training), "validation": len(validation)},
    )


def _require_fit(loss: nn.Module, train: TrainConfig, outputs: int, targets: torch.Tensor) -> None:
    """Raise InputError where the loss refuses the targets, or gives more than one number."""
    try:
        value: torch.Tensor = loss(torch.zeros(len(targets), outputs), targets)
        why = "" if value.ndim == 0 else f"it gives a value of shape {tuple(value.shape)}, not the mean over the batch"
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        why = next(iter(str(error).splitlines()), repr(error))
    if why:
        soft = " that mix or label_smoothing made soft" if train.mix or train.label_smoothing else ""
        raise InputError(
            f"params.yaml, train.loss: {train.loss.name if train.loss else type(loss).__name__} does not take logits of "
            f"shape {(len(targets), outputs)} with {targets.dtype} targets{soft} of shape {tuple(targets.shape)}: {why}",
            mend="choose a loss for this task" + (", or leave out mix and label_smoothing" if soft else ""),
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
    counts = np.bincount(truth, minlength=len(problem.classes))
    return torch.tensor(len(truth) / (len(counts) * np.maximum(counts, 1)), dtype=torch.float32)


def _balanced_rows(problem: Problem, truth: Array) -> Array:
    """How often each row is to be drawn so that each class comes equally often."""
    if not problem.classes:
        raise InputError(
            f"params.yaml, train.sampling: balanced draws classes equally often, and a {problem.task} task has none",
            mend="leave it out" + ("" if problem.task == "regression" else ", or use train.class_weights: balanced"),
        )
    return np.asarray(1 / np.bincount(truth, minlength=len(problem.classes))[truth])


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
