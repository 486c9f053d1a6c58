"""Trainer: a fold's network and everything that trains it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from goldfold.config import FoldConfig, TrainConfig
from goldfold.errors import InputError
from goldfold.imports import called, named, refused
from goldfold.modalities.protocol import TARGET, Inputs, View
from goldfold.prepare import PreparedSet
from goldfold.training.auxiliary import build_auxiliary
from goldfold.training.averaging import WeightAverage
from goldfold.training.balance import balanced_rows, class_weights
from goldfold.training.batches import EpochSampler, default_workers, padding, plain_batches, training_batches
from goldfold.training.evaluation import UNJUDGED, Evaluation, evaluate
from goldfold.training.features import feature_views
from goldfold.training.finetune import require_head
from goldfold.training.fitting import is_fitted_once
from goldfold.training.fold import Fold, read_fold
from goldfold.training.fold_result import FoldResult
from goldfold.training.losses import build_loss
from goldfold.training.optimisation import build_optimizer
from goldfold.training.precision import choose_compute
from goldfold.training.ranks import ShareView, rank, start_alike, synchronised, world
from goldfold.training.reporter import Plan, Reporter, Row
from goldfold.training.schedule import Schedule
from goldfold.training.stopping import Stop, never


@dataclass
class Progress:
    """The progress of a training: the next `epoch` and `step`; `total` (of the loss) and `seen` (rows) of the epoch so far.

    `kept` holds the checkpoints of the best epochs, the best first.
    """

    total: torch.Tensor
    epoch: int = 0
    step: int = 0
    seen: int = 0
    lr: float = 0.0
    history: list[Row] = field(default_factory=list)
    kept: list[FoldResult] = field(default_factory=list)

    @property
    def best(self) -> FoldResult | None:
        """The best checkpoint so far, if any."""
        return self.kept[0] if self.kept else None

    def mean_loss(self) -> Callable[[], float]:
        """Return a function that waits for the device and returns the epoch's mean loss so far."""
        total, seen = self.total, self.seen
        return lambda: float(total) / max(seen, 1)


class Trainer:
    """A fold's network with its batches, loss, optimiser, schedule and average of weights.

    `model` is the whole network, and `trained` that with the layer beside its head where there are `auxiliary` columns, which
    answers these too; the model alone is averaged, validated and kept. `network` is what training batches pass through:
    `trained` or the model's head, compiled if train.compile. With `on_features`, batches are features of the frozen backbone,
    which the head alone reads. `plain_loss`, the loss without class weights, is for validation; `targets` is what the training
    loss compares, for each row of the training table, None where the views hold it, and `weights` how much it counts, None where
    all count alike. `steps` is the number of batches of an epoch. `micro_batch_size` falls when memory runs out. Of several
    ranks each has its share of each training batch, and some of the validation batches.

    Raises InputError for names and arguments of params.yaml that the libraries refuse.
    """

    def __init__(self, fold: Fold, model: nn.Module, reporter: Reporter, scratch: Path | None = None, stop: Stop = never) -> None:
        config, train = fold.config, fold.config.train
        require_head(model, config.finetune)
        plain = fold.plain_view()
        self.fold, self.reporter = fold, reporter
        self.compute = choose_compute(train.precision, model, plain)
        self.is_synchronised = train.sync_batch_norm and world() > 1
        self.model = synchronised(model, self.compute.device) if self.is_synchronised else model
        start_alike(self.model.to(self.compute.device))
        augmented = fold.training_view()
        workers = default_workers() if train.workers is None else train.workers
        views = feature_views(fold, self.model, self.compute, (augmented, plain), workers, scratch, reporter.note, stop)
        self.on_features = views is not None
        augmented, plain = views or (augmented, plain)
        workers = 0 if views else workers
        self.sampler = self._sampler(augmented)
        shared = ShareView(augmented, rank(), world()) if world() > 1 else augmented
        self.batches: Any = training_batches(shared, self.sampler, train.batch_size, workers)
        self.steps = len(self.batches)
        self.micro_batch_size = train.micro_batch_size or train.batch_size
        args = (plain, fold.validation_rows, self.micro_batch_size, workers)
        self.validation: Any = plain_batches(*args, rank=rank(), world=world())
        weights = fold.weights
        self.weights = None if weights is None else self.compute.to_device(torch.tensor(weights, dtype=torch.float32))
        self.auxiliary = build_auxiliary(fold, self.model, self.compute) if train.auxiliary else None
        self.trained: nn.Module = self.auxiliary or self.model
        further = self.auxiliary.width if self.auxiliary else 0
        self.mix = _mixing(train, fold.codec.outputs + (weights is not None) + further)
        self.targets = None if fold.codec.is_dense else self.compute.to_device(self._targets())
        problem, truth = fold.codec.problem, fold.truth[fold.training_rows]
        self.plain_loss = build_loss(train, problem.task)
        self.loss = build_loss(train, problem.task, class_weights(train, problem, truth))
        _require_fit(self.loss, train, *self._example())
        self.loss.to(self.compute.device)
        self.optimizer = build_optimizer(train, config.finetune, self.model, self.auxiliary and self.auxiliary.layer)
        self.schedule = Schedule(train, config.finetune, self.optimizer, train.continue_from or train.epochs, self.steps)
        self.scaler = torch.amp.GradScaler(self.compute.device.type, enabled=self.compute.precision == "fp16")
        self.average = WeightAverage(train.average, self.model)
        reader = self.auxiliary or self.reader(self.model)
        # Inputs of varying length are compiled once.
        dynamic = None if augmented.lengths is not None else False
        self.network: Callable[..., Any] = torch.compile(reader, dynamic=dynamic) if train.compile else reader
        self.progress = Progress(torch.zeros((), device=self.compute.device))

    @property
    def config(self) -> FoldConfig:
        """The settings."""
        return self.fold.config

    @property
    def epochs(self) -> int:
        """For how many epochs it is trained; a refit follows the folds' schedule as far as its length."""
        return self.fold.length or self.config.train.epochs

    @property
    def plan(self) -> Plan:
        """The rest of the training."""
        return self.fold.plan(self.epochs, self.steps, self.compute, self.progress.epoch)

    def reader(self, model: nn.Module) -> nn.Module:
        """Return the part of a model that reads the batches."""
        return model.head if self.on_features else model  # type: ignore[return-value]

    def judge(self, epoch: int) -> Evaluation:
        """Evaluate the model, or the average of its weights, where there are rows to validate it.

        Raises InputError if the score or the loss is not a number.
        """
        if self.fold.is_refit:
            return UNJUDGED
        reader = self.reader(self.average.judged(epoch))
        args = (self.validation, self.fold.validation_table, self.fold.codec, self.plain_loss, self.compute)
        return self.fold.require_numbers(evaluate(reader, *args, shared=True), epoch)

    def row(self, judged: Evaluation, speed: float, started: float) -> Row:
        """Return the line of the history for the present epoch, which `started` at that time.monotonic()."""
        progress = self.progress
        return {
            "epoch": progress.epoch,
            "train_loss": progress.mean_loss()(),
            **judged.measured(self.fold.codec.problem.scored_by.name),
            "lr": progress.lr,
            "rows_per_second": round(speed, 1),
            "seconds": round(time.monotonic() - started, 3),
            "time": round(time.time(), 3),
        }

    def state_dict(self) -> dict[str, Any]:
        """Return what the training needs to resume, except the kept checkpoints, which `progress` names by their epochs."""
        progress = vars(self.progress) | {"kept": [checkpoint.epoch for checkpoint in self.progress.kept]}
        parts = {name: getattr(self, name).state_dict() for name in _STATEFUL}
        beside = {"auxiliary": self.auxiliary.layer.state_dict()} if self.auxiliary else {}
        return {**parts, **beside, "micro_batch_size": self.micro_batch_size, "progress": progress}

    def load_state_dict(self, state: dict[str, Any], checkpoints: Callable[[int], FoldResult]) -> None:
        """Load what `state_dict` returned; `checkpoints` loads the kept one of an epoch."""
        saved, train = state["progress"], self.config.train
        self.model.load_state_dict(state["model"])
        if self.auxiliary:
            self.auxiliary.layer.load_state_dict(state["auxiliary"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.micro_batch_size = state["micro_batch_size"]
        if train.continue_from and (saved["epoch"], saved["step"]) > (train.continue_from, 0):
            self.schedule.extend(train.epochs - train.continue_from)
            self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        total = self.compute.to_device(saved["total"])
        self.progress = Progress(**{**saved, "total": total, "kept": [checkpoints(epoch) for epoch in saved["kept"]]})

    def _sampler(self, augmented: View) -> EpochSampler:
        """Return the sampler of the training rows, with train.bucket in batches of similar length."""
        fold, train = self.fold, self.config.train
        rows, truth = fold.training_rows, fold.truth[fold.training_rows]
        balanced = balanced_rows(fold.codec.problem, truth) if train.sampling == "balanced" else None
        lengths = augmented.lengths if train.bucket else None
        sampler = EpochSampler(rows, fold.seed, balanced, lengths, train.batch_size)
        if lengths is not None:
            samplers = (sampler, EpochSampler(rows, fold.seed, balanced))
            bucketed, shuffled = (padding(order, lengths, train.batch_size) for order in samplers)
            self.reporter.note(f"padding: {bucketed:.0%} of the inputs, {shuffled:.0%} without buckets")
        return sampler

    def targets_of(self, rows: torch.Tensor, added: Inputs) -> torch.Tensor:
        """Return what the training loss compares for `rows`, on the device: of dense targets what a view `added` to the batch."""
        if self.targets is None:
            targets = self.fold.codec.encode_dense(self.compute.to_device(added[TARGET]))
            smoothing = self.config.train.label_smoothing
            return self.fold.codec.soft(targets, smoothing) if smoothing else targets
        return self.targets[self.compute.to_device(rows)]

    def _example(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits of zero, and the targets of two rows, or of two small maps of dense targets."""
        outputs = self.fold.codec.outputs
        if self.targets is None:
            return torch.zeros(2, outputs, 8, 8), torch.eye(8).expand(2, outputs, 8, 8)
        targets = self.targets[:2].cpu()
        return torch.zeros(len(targets), outputs), targets

    def _targets(self) -> torch.Tensor:
        """Return what the training loss compares, for each row of the training table."""
        fold, train = self.fold, self.config.train
        targets = fold.codec.encode(fold.truth)
        if train.label_smoothing and fold.codec.problem.task == "regression":
            raise InputError("params.yaml, train.label_smoothing: a regression has no labels to smooth", mend="leave it out")
        if train.label_smoothing or train.mix or fold.pseudo is not None:
            targets = fold.codec.soft(targets, train.label_smoothing)
        if fold.pseudo is not None:
            targets[-len(fold.pseudo) :] = torch.tensor(fold.pseudo, dtype=torch.float32).reshape(len(fold.pseudo), -1)
        return targets


_STATEFUL = ("model", "average", "optimizer", "schedule", "scaler")


def make_trainer(
    prepared: PreparedSet,
    number: int,
    seed: int,
    config: FoldConfig,
    reporter: Reporter,
    scratch: Path | None = None,
    stop: Stop = never,
) -> Trainer:
    """Make a fold's trainer, untrained; raises InputError as Trainer does, and for an estimator."""
    fold = read_fold(prepared, number, seed, config, reporter.note)
    model = fold.build_model(reporter.note)
    if is_fitted_once(model):
        raise InputError(f"{config.model.name} is fitted at once, without steps", mend="use this for networks, or run dvc repro")
    return Trainer(fold, model, reporter, scratch, stop)


def _require_fit(loss: nn.Module, train: TrainConfig, logits: torch.Tensor, targets: torch.Tensor) -> None:
    """Raise InputError if the loss refuses the targets, or returns more than one number."""
    try:
        value: torch.Tensor = loss(logits, targets)
        why = "" if value.ndim == 0 else f"it returns a value of shape {tuple(value.shape)}, not the mean over the batch"
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        why = next(iter(str(error).splitlines()), repr(error))
    if why:
        softened = train.mix or train.label_smoothing or (train.pseudo and train.pseudo.soft)
        soft = " (soft, by mix, label_smoothing or pseudo.soft)" if softened else ""
        raise InputError(
            f"params.yaml, train.loss: {train.loss.name if train.loss else type(loss).__name__} does not take logits of "
            f"shape {tuple(logits.shape)} with {targets.dtype} targets{soft} of shape {tuple(targets.shape)}: {why}",
            mend="choose a loss for this task" + (", or leave out mix, label_smoothing and pseudo.soft" if soft else ""),
        )


def _mixing(train: TrainConfig, outputs: int) -> tuple[Callable[..., Any], ...]:
    """Return the transforms of train.mix, which take images and soft targets, tried on a blank batch."""
    transforms = []
    for position, component in enumerate(train.mix):
        key = f"train.mix.{position}"
        factory = named(component.name, ["torchvision.transforms.v2"], f"{key}.name")
        if component.name not in ("MixUp", "CutMix") and ":" not in component.name:
            raise InputError(f"params.yaml, {key}: {component.name} does not mix rows", mend="give MixUp or CutMix")
        transform = called(factory, key, **component.args)
        with refused(f"params.yaml, {key}: {component.name} cannot mix a batch", f"correct the arguments under {key}"):
            transform(torch.zeros(2, 3, 8, 8), torch.full((2, outputs), 0.5))
        transforms.append(transform)
    return tuple(transforms)
