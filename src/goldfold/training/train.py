"""Training a fold."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from goldfold.config import FoldConfig
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities import find_modality
from goldfold.prepare import PreparedSet
from goldfold.training.batches import default_workers, plain_batches, seed_of, training_batches
from goldfold.training.device import Compute, find_compute
from goldfold.training.evaluate import Evaluation, evaluate
from goldfold.training.fold_result import FoldResult
from goldfold.training.optimisation import Schedule, build_loss, build_optimizer
from goldfold.training.reporter import Plan, Reporter, Row, Silent
from goldfold.training.targets import TargetCodec


def train_fold(
    prepared: PreparedSet, fold: int, config: FoldConfig, folder: Path, reporter: Reporter | None = None
) -> FoldResult:
    """Train one fold and return its best checkpoint, which is in `folder` from the moment it is found.

    The best epoch is the one with the best monitored value (train.monitor) on the fold's validation rows; the first of
    equals. Raises InputError for names and arguments of params.yaml that the libraries refuse, for a metric that is
    undefined on the fold, and for a loss that is no longer finite.
    """
    reporter = reporter or Silent()
    run = _set_up(prepared, fold, config)
    reporter.started(run.plan(fold, config))
    best: FoldResult | None = None
    history: list[Row] = []
    for epoch in range(config.train.epochs):
        started = time.time()
        train_loss, lr = _train_epoch(run, epoch, config, reporter)
        trained = time.time()
        judged = evaluate(run.model, run.validation, run.validation_truth, run.codec, run.loss, run.compute)
        _require_finite(judged, epoch, fold, run.codec)
        run.schedule.epoch_ended(_monitored(judged, config))
        history.append(
            {
                "epoch": epoch,
                "train_loss": train_loss,
                "valid_loss": judged.loss,
                run.codec.problem.scored_by.name: judged.score,
                "lr": lr,
                "images_per_second": round(run.rows["training"] / (trained - started), 1),
                "seconds": round(time.time() - started, 3),
                "time": round(time.time(), 3),
            }
        )
        improved = best is None or _better(judged, best, config)
        if improved:
            best = _checkpoint(run, prepared, fold, config, epoch, judged, history)
            best.save(folder)
        else:
            assert best is not None
            best.history = pd.DataFrame(history)
            best.save_history(folder)
        reporter.epoch_ended(history[-1], improved)
        if config.train.patience and epoch - best.epoch >= config.train.patience:
            break
    assert best is not None
    return best


@dataclass(frozen=True)
class _Run:
    """All that a fold's training works with."""

    model: nn.Module
    loss: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    scaler: torch.amp.GradScaler
    codec: TargetCodec
    spec: dict[str, Any]
    compute: Compute
    batches: Any
    sampler: Any
    targets: torch.Tensor
    validation: Any
    validation_truth: Array
    rows: dict[str, int]

    def plan(self, fold: int, config: FoldConfig) -> Plan:
        return Plan(
            fold=fold,
            epochs=config.train.epochs,
            steps=len(self.batches),
            training_rows=self.rows["training"],
            validation_rows=self.rows["validation"],
            metric=self.codec.problem.scored_by.name,
            device=str(self.compute.device),
            precision=self.compute.precision,
        )


def _set_up(prepared: PreparedSet, fold: int, config: FoldConfig) -> _Run:
    problem = prepared.problem
    modality = find_modality(problem.modality)
    truth = prepared.problem.truth(prepared.train)
    training, validation = prepared.training_rows(fold), prepared.validation_rows(fold)
    if not len(validation):
        known = sorted({int(known) for known in prepared.folds if known >= 0})
        raise InputError(f"the prepared set has no fold {fold}, only {known}", mend="correct split.folds in params.yaml")
    codec = TargetCodec.fit(problem, truth[training], config.train.target_transform)
    compute = find_compute(config.train.precision)
    torch.manual_seed(seed_of(config.train.seed, fold))
    spec = modality.input_spec(config.model)
    model = modality.build_model(config.model, spec, codec.outputs, config.model.pretrained).to(compute.device)
    workers = default_workers() if config.train.workers is None else config.train.workers
    view = modality.training_view(prepared, spec, config.augment, config.train.seed)
    batches, sampler = training_batches(view, training, config.train.batch_size, config.train.seed, workers)
    optimizer = build_optimizer(config.train, model)
    plain = modality.plain_view(prepared, "train", spec)
    return _Run(
        model=model,
        loss=build_loss(config.train, problem.task).to(compute.device),
        optimizer=optimizer,
        schedule=Schedule(config.train, optimizer, len(batches)),
        scaler=torch.amp.GradScaler(compute.device.type, enabled=compute.precision == "fp16"),
        codec=codec,
        spec=spec,
        compute=compute,
        batches=batches,
        sampler=sampler,
        targets=compute.to_device(codec.encode(truth)),
        validation=plain_batches(plain, validation, config.train.batch_size, workers),
        validation_truth=truth[validation],
        rows={"training": len(training), "validation": len(validation)},
    )


def _train_epoch(run: _Run, epoch: int, config: FoldConfig, reporter: Reporter) -> tuple[float, float]:
    """Pass over the training rows once; return the mean loss per row and the last learning rate."""
    run.model.train()
    run.sampler.epoch = epoch
    torch.manual_seed(seed_of(config.train.seed, epoch))
    total, seen, lr = torch.zeros((), device=run.compute.device), 0, 0.0
    for step, (rows, inputs) in enumerate(run.batches):
        lr = run.optimizer.param_groups[0]["lr"]
        loss = _train_step(run, rows, inputs, config.train.clip_grad)
        run.schedule.batch_ended()
        total += loss * len(rows)
        seen += len(rows)
        reporter.stepped(epoch, step, _mean(total, seen), lr)
    mean = _mean(total, seen)()
    if not mean - mean == 0:
        raise InputError(
            f"the training loss is {mean} in epoch {epoch} at learning rate {lr:g}",
            mend="lower train.lr, set train.clip_grad: 1.0, or train.precision: fp32",
        )
    return mean, lr


def _train_step(run: _Run, rows: torch.Tensor, inputs: dict[str, torch.Tensor], clip: float | None) -> torch.Tensor:
    """One step of the optimiser; return the batch's mean loss, detached, on the device."""
    target = run.targets[rows.to(run.targets.device)]
    with run.compute.autocast():
        logits = run.model(**{name: run.compute.to_device(tensor) for name, tensor in inputs.items()})
    loss: torch.Tensor = run.loss(logits.float(), target)
    run.optimizer.zero_grad(set_to_none=True)
    run.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    if clip:
        run.scaler.unscale_(run.optimizer)
        nn.utils.clip_grad_norm_(run.model.parameters(), clip)
    run.scaler.step(run.optimizer)
    run.scaler.update()
    return loss.detach()


def _mean(total: torch.Tensor, seen: int) -> Callable[[], float]:
    return lambda: float(total) / max(seen, 1)


def _monitored(judged: Evaluation | FoldResult, config: FoldConfig) -> float:
    return judged.loss if config.train.monitor == "loss" else judged.score


def _better(judged: Evaluation, best: FoldResult, config: FoldConfig) -> bool:
    if config.train.monitor == "loss":
        return judged.loss < best.loss
    return best.codec.problem.scored_by.better(judged.score, best.score)


def _require_finite(judged: Evaluation, epoch: int, fold: int, codec: TargetCodec) -> None:
    metric = codec.problem.metric
    if judged.score != judged.score:
        raise InputError(
            f"{metric} is undefined on the validation rows of fold {fold} (a class may be missing there)",
            mend="use fewer folds, split.strategy: stratified, or another competition.metric",
        )
    if abs(judged.loss) == float("inf") or judged.loss != judged.loss:
        raise InputError(
            f"the validation loss of fold {fold} is {judged.loss} in epoch {epoch}",
            mend="lower train.lr or set train.clip_grad: 1.0",
        )


def _checkpoint(
    run: _Run, prepared: PreparedSet, fold: int, config: FoldConfig, epoch: int, judged: Evaluation, history: list[Row]
) -> FoldResult:
    import timm

    return FoldResult(
        fold=fold,
        epoch=epoch,
        score=judged.score,
        loss=judged.loss,
        codec=run.codec,
        spec=run.spec,
        config=FoldConfig(model=config.model, augment=config.augment, train=config.train),
        prepared=prepared.fingerprint,
        device=run.compute.device.type,
        precision=run.compute.precision,
        rows=run.rows,
        versions={"torch": torch.__version__, "timm": timm.__version__},
        weights={name: tensor.detach().cpu().clone() for name, tensor in run.model.state_dict().items()},
        history=pd.DataFrame(history),
    )
