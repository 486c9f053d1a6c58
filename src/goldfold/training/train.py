"""Train a fold to its best checkpoint."""

import gc
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from goldfold.config import FoldConfig, TrainConfig
from goldfold.identity import training_key
from goldfold.prepare import PreparedSet
from goldfold.training.device import machine
from goldfold.training.evaluation import Evaluation
from goldfold.training.finetune import set_trainable
from goldfold.training.fitting import fit_fold, is_fitted_once
from goldfold.training.fold import Fold, read_fold
from goldfold.training.fold_result import Checkpoint, FoldResult
from goldfold.training.loaders import lost_loaders_told
from goldfold.training.profiling import profile_steps
from goldfold.training.ranks import agreed_stop, gathered, is_main, main_first, world
from goldfold.training.reporter import Reporter, Silent
from goldfold.training.state import STATES, held, keep_result, kept_result, load_state, save_state
from goldfold.training.step import LossWatch, train_step
from goldfold.training.stopping import Reason, Stop, Stopped, never
from goldfold.training.trainer import Trainer, make_trainer

STOPPED: dict[Reason, str] = {
    "max_hours": "its share of train.max_hours is over; `goldfold resume` continues",
    "interrupted": "interrupted",
}


@lost_loaders_told()
def train_fold(
    prepared: PreparedSet,
    fold: int,
    seed: int,
    config: FoldConfig,
    folder: Path,
    reporter: Reporter | None = None,
    scratch: Path | None = None,
    stop: Stop = never,
    devices: int | None = None,
    length: int | None = None,
) -> FoldResult:
    """Train one fold with one seed, and write its best checkpoint to `folder`.

    The best epoch is the first with the best monitored value (train.monitor) on the fold's validation rows. In `scratch`, a
    folder that outlives the stage, the training's state, result and features are kept: it resumes from there, and a finished
    training is not repeated. When `stop` returns a reason, the state and the best checkpoint so far are saved; for max_hours that
    result is returned, else Stopped is raised. Of several ranks, which all call this, the main one alone reports and writes;
    `devices`, by default their number, is how many trained what is taken over. The fold REFIT trains on all rows, for a `length`
    of so many epochs or rounds, and its last weights are kept.

    Raises InputError for names and arguments of params.yaml that the libraries refuse, for a metric that is undefined on
    the fold, for a loss that is not finite, and for loader processes that are ended.
    """
    reporter = reporter if reporter and is_main() else Silent()
    done = False
    try:
        devices = devices or world()
        result = _train_or_take_over(prepared, fold, seed, config, folder, reporter, scratch, stop, devices, length)
        done = result.ended != "interrupted"
    finally:
        reporter.ended(done)
    if not done:
        raise _stopped(config.train.name_of(fold, seed))
    return result


def _train_or_take_over(
    prepared: PreparedSet,
    fold: int,
    seed: int,
    config: FoldConfig,
    folder: Path,
    reporter: Reporter,
    scratch: Path | None,
    stop: Stop,
    devices: int,
    length: int | None,
) -> FoldResult:
    """Write the result that is kept of a finished training, or else train."""
    key = training_key(prepared, fold, seed, config, machine(devices), length)
    state = scratch / STATES / key if scratch else None
    with held(scratch / STATES, key) if scratch and is_main() else nullcontext():
        with main_first():
            result = kept_result(state) if state else None
        if result:
            reporter.note(f"{config.train.name_of(fold, seed)}: already trained with these settings")
        else:
            if config.train.profile and length is None:
                profile_steps(make_trainer(prepared, fold, seed, config, reporter, scratch), config.train.profile)
            learned = read_fold(prepared, fold, seed, config, reporter.note, length)
            result = _learn(learned, key, reporter, scratch, state, stop)
        if is_main():
            if state and result.ended == "finished":
                keep_result(state, result, config.train.keep_state)
            result.save(folder)
    return result


def _learn(fold: Fold, key: str, reporter: Reporter, scratch: Path | None, state: Path | None, stop: Stop) -> FoldResult:
    """Build the fold's model and train or fit it."""
    # The network of an earlier fold may still hold the device's memory.
    gc.collect()
    model = fold.build_model(reporter.note)
    if is_fitted_once(model):
        fitted: FoldResult = gathered([fit_fold(fold, key, model, reporter, scratch, stop)] if is_main() else [])[0]
        return fitted
    trainer = Trainer(fold, model, reporter, scratch, stop)
    if state:
        with main_first():
            _resume(trainer, state)
    if world() > 1:
        train = fold.config.train
        reporter.note(
            f"{fold.name}: {world()} processes share each batch of {train.batch_size} rows; "
            f"the learning rate of {train.lr:g} is that of the whole batch"
        )
    reporter.started(trainer.plan)
    return _train(trainer, key, state if is_main() else None, agreed_stop(stop))


def _resume(trainer: Trainer, state: Path) -> None:
    """Resume from the training's own state, or from that of the shorter training that it continues."""
    fold, train = trainer.fold, trainer.config.train
    is_resumed = load_state(state, trainer)
    if not is_resumed and train.continue_from:
        shorter = train.model_copy(update={"epochs": train.continue_from, "continue_from": None})
        base = fold.config.model_copy(update={"train": shorter})
        key = training_key(fold.prepared, fold.number, fold.seed, base, machine(world()))
        is_resumed = load_state(state.with_name(key), trainer)
    if is_resumed:
        progress = trainer.progress
        trainer.reporter.note(f"{fold.name}: resuming at epoch {progress.epoch + 1}, step {progress.step + 1}")


def _train(trainer: Trainer, key: str, state: Path | None, stop: Stop) -> FoldResult:
    """Train until all epochs are done, train.patience epochs brought no improvement, or there is a reason to stop."""
    train, progress, saving = trainer.config.train, trainer.progress, _Saving(trainer, state)
    reason = stop()
    while reason is None and not _is_finished(trainer):
        if progress.epoch == train.continue_from and progress.step == 0:
            trainer.schedule.extend(train.epochs - train.continue_from)
        reason = _train_epoch(trainer, key, saving, stop)
        saving.save()
        reason = reason or stop()
    if _is_finished(trainer):
        reason = None
    if reason:
        trainer.reporter.note(f"{trainer.fold.name}: stopping in epoch {progress.epoch + 1}: {STOPPED[reason]}")
    best = progress.best
    if best is None:
        if reason == "interrupted":
            raise _stopped(trainer.fold.name)
        # Time ran out within the first epoch: the result is the present model.
        judged = trainer.judge(0)
        row = trainer.row(judged, 0.0, time.monotonic())
        return replace(trainer.fold.result(key, trainer.average.judged(0), trainer.compute, judged, [row]), ended="max_hours")
    further = [Checkpoint(kept.epoch, kept.score, kept.loss, kept.weights) for kept in progress.kept[1:]]
    return replace(best, ended=reason or "finished", history=pd.DataFrame(progress.history), further=tuple(further))


def _is_finished(trainer: Trainer) -> bool:
    train, progress = trainer.config.train, trainer.progress
    patient = not train.patience or progress.best is None or progress.epoch - 1 - progress.best.epoch < train.patience
    return progress.epoch >= trainer.epochs or not patient


def _stopped(name: str) -> Stopped:
    return Stopped(f"{name} is saved; the same command resumes it")


class _Saving:
    """Saves the state at each epoch's end, and within an epoch every train.save_minutes."""

    def __init__(self, trainer: Trainer, folder: Path | None) -> None:
        self.trainer, self.folder = trainer, folder
        self.last = time.monotonic()

    def save(self) -> None:
        if self.folder:
            save_state(self.folder, self.trainer)
        self.last = time.monotonic()

    def is_due(self) -> bool:
        return self.folder is not None and time.monotonic() - self.last >= self.trainer.config.train.save_minutes * 60


def _train_epoch(trainer: Trainer, key: str, saving: _Saving, stop: Stop) -> Reason | None:
    """Train the rest of an epoch and validate it; return the reason to stop if there is one after a step."""
    progress, train = trainer.progress, trainer.config.train
    epoch, started, seen_before = progress.epoch, time.monotonic(), progress.seen
    set_trainable(trainer.model, trainer.config.finetune, epoch)
    trainer.sampler.epoch, trainer.sampler.skip = epoch, progress.step * train.batch_size
    watch = LossWatch(trainer)
    for rows, inputs in trainer.batches:
        progress.lr = max(group["lr"] for group in trainer.optimizer.param_groups)
        loss = train_step(trainer, epoch, progress.step, rows, inputs)
        watch.add(epoch, progress.step, progress.lr, rows, loss)
        trainer.schedule.batch_ended()
        progress.total = progress.total + loss * len(rows)
        progress.seen += len(rows)
        progress.step += 1
        trainer.reporter.stepped(epoch, progress.step - 1, progress.mean_loss(), progress.lr)
        reason = stop()
        if reason or saving.is_due():
            watch.check()
            if reason:
                return reason
            saving.save()
    watch.check()
    speed = (progress.seen - seen_before) / max(time.monotonic() - started, 1e-9)
    trainer.average.epoch_ended(epoch)
    judged = trainer.judge(epoch)
    trainer.schedule.epoch_ended(_monitored(judged, train))
    progress.history.append(trainer.row(judged, speed, started))
    is_best = _keep(trainer, key, judged)
    progress.epoch, progress.step, progress.seen = epoch + 1, 0, 0
    progress.total = torch.zeros_like(progress.total)
    trainer.reporter.epoch_ended(progress.history[-1], is_best)
    return None


def _keep(trainer: Trainer, key: str, judged: Evaluation) -> bool:
    """Keep the epoch's checkpoint if it is among the best train.keep_best, of a refit the last; return whether it is the best."""
    progress, train = trainer.progress, trainer.config.train
    most = 1 if trainer.fold.is_refit else train.keep_best
    # Of equals the first is better.
    rank = 0 if trainer.fold.is_refit else sum(not _is_better(judged, checkpoint, train) for checkpoint in progress.kept)
    if rank < most:
        weights = trainer.average.judged(progress.epoch)
        checkpoint = trainer.fold.result(key, weights, trainer.compute, judged, progress.history)
        progress.kept = [*progress.kept[:rank], checkpoint, *progress.kept[rank:]][:most]
    return rank == 0


def _monitored(judged: Evaluation, train: TrainConfig) -> float:
    return judged.loss if train.monitor == "loss" else judged.score


def _is_better(judged: Evaluation, checkpoint: FoldResult, train: TrainConfig) -> bool:
    if train.monitor == "loss":
        return judged.loss < checkpoint.loss
    return checkpoint.codec.problem.scored_by.better(judged.score, checkpoint.score)
