"""Training a fold."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch

from goldfold.config import FoldConfig, TrainConfig
from goldfold.prepare import PreparedSet
from goldfold.training.evaluate import Evaluation, evaluate
from goldfold.training.finetune import set_trainable
from goldfold.training.fitting import fit_fold
from goldfold.training.fold_result import Checkpoint, FoldResult
from goldfold.training.key import training_key
from goldfold.training.precision import choose_compute
from goldfold.training.profiling import profile_steps
from goldfold.training.reporter import Reporter, Row, Silent
from goldfold.training.setup import Setup, equip, set_up
from goldfold.training.start import is_fitted_once, start
from goldfold.training.state import (
    STATES,
    Progress,
    held,
    keep_result,
    kept_result,
    load_state,
    save_state,
)
from goldfold.training.step import LossWatch, train_step
from goldfold.training.stopping import Reason, Stop, never


class Stopped(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended a training, whose state is saved."""


def train_fold(
    prepared: PreparedSet,
    fold: int,
    seed: int,
    config: FoldConfig,
    folder: Path,
    reporter: Reporter | None = None,
    scratch: Path | None = None,
    stop: Stop = never,
) -> FoldResult:
    """Train one fold with one seed, and write its best checkpoint to `folder`.

    The best epoch is the one with the best monitored value (train.monitor) on the fold's validation rows; the first of
    equals. With `scratch`, a folder that outlives the stage, the state is saved there as training goes, the same training
    goes on from it, and one that is finished is not repeated; what is timed or computed once is kept there too. When `stop`
    gives a reason, the state and what is best so far are saved: for max_hours that is returned, else Stopped is raised.

    Raises InputError for names and arguments of params.yaml that the libraries refuse, for a metric that is undefined on
    the fold, and for a loss that is no longer finite.
    """
    reporter = reporter or Silent()
    compute = choose_compute(prepared, config, scratch, reporter.noted)
    states = scratch / STATES if scratch else None
    with held(states, training_key(prepared, fold, seed, config, compute)) if states else nullcontext() as state:
        result = kept_result(state) if state else None
        if result:
            reporter.noted(f"{config.train.name_of(fold, seed)}: trained with these settings already, and taken over")
        else:
            if config.train.profile:
                profile_steps(set_up(prepared, fold, seed, config, compute, Silent(), scratch), config.train.profile, reporter)
            begun = start(prepared, fold, seed, config, compute, reporter.noted)
            if is_fitted_once(begun.model):
                result = fit_fold(begun, reporter)
            else:
                setup = equip(begun, reporter, scratch, stop)
                result = _train(setup, _begin(setup, state, states, reporter), state, reporter, stop)
        if state and result.ended == "finished":
            keep_result(state, result, config.train.keep_state)
        result.save(folder)
    if result.ended == "interrupted":
        raise _stopped(fold)
    return result


def _stopped(fold: int) -> Stopped:
    return Stopped(f"fold {fold} is saved as it was; the same command goes on from there")


def _begin(setup: Setup, state: Path | None, states: Path | None, reporter: Reporter) -> Progress:
    """Take up the training's own state, or the kept one of the shorter training that it continues, or begin."""
    progress = load_state(state, setup) if state else None
    train = setup.config.train
    if progress is None and states and train.continue_from:
        shorter = train.model_copy(update={"epochs": train.continue_from, "continue_from": None})
        base = setup.config.model_copy(update={"train": shorter})
        progress = load_state(states / training_key(setup.prepared, setup.fold, setup.seed, base, setup.compute), setup)
    progress = progress or Progress(total=torch.zeros((), device=setup.compute.device))
    reporter.started(replace(setup.plan(), epochs_done=progress.epoch))
    if progress.epoch or progress.step:
        reporter.noted(
            f"{train.name_of(setup.fold, setup.seed)}: going on from epoch {progress.epoch + 1}, step {progress.step + 1}"
        )
    return progress


def _train(setup: Setup, progress: Progress, state: Path | None, reporter: Reporter, stop: Stop) -> FoldResult:
    """Train until all epochs are done, nothing better came for train.patience epochs, or there is a reason to stop."""
    train, saving = setup.config.train, _Saving(setup, state)
    reason = stop()
    while reason is None and not _is_finished(progress, train):
        if progress.epoch == train.continue_from and progress.step == 0:
            setup.schedule.go_on(train.epochs - train.continue_from)
        reason = _train_epoch(setup, progress, saving, reporter, stop)
        saving.save(progress)
        reason = reason or stop()
    if _is_finished(progress, train):
        reason = None
    if reason:
        reporter.noted(f"{train.name_of(setup.fold, setup.seed)}: stopping in epoch {progress.epoch + 1}: {_TOLD[reason]}")
    best = progress.best
    if best is None:
        if reason == "interrupted":
            raise _stopped(setup.fold)
        # Time was over before the first epoch was: what there is then is the model as it stands.
        judged = _judge(setup, 0)
        best = setup.checkpoint(setup.average.judged(0), judged, 0, [_row(setup, progress, judged, 0.0)])
        return replace(best, ended="max_hours")
    further = [Checkpoint(each.epoch, each.score, each.loss, each.weights) for each in progress.kept[1:]]
    return replace(best, ended=reason or "finished", history=pd.DataFrame(progress.history), further=tuple(further))


def _is_finished(progress: Progress, train: TrainConfig) -> bool:
    patient = not train.patience or progress.best is None or progress.epoch - 1 - progress.best.epoch < train.patience
    return progress.epoch >= train.epochs or not patient


_TOLD: dict[Reason, str] = {
    "max_hours": "its share of train.max_hours is over; `goldfold resume` goes on from there",
    "interrupted": "asked to",
}


class _Saving:
    """Saves the state at each epoch's end, and within an epoch whenever train.save_minutes have gone by."""

    def __init__(self, setup: Setup, folder: Path | None) -> None:
        self.setup, self.folder = setup, folder
        self.last = time.monotonic()

    def save(self, progress: Progress) -> None:
        if self.folder:
            save_state(self.folder, self.setup, progress)
        self.last = time.monotonic()

    def is_due(self) -> bool:
        return self.folder is not None and time.monotonic() - self.last >= self.setup.config.train.save_minutes * 60


def _train_epoch(setup: Setup, progress: Progress, saving: _Saving, reporter: Reporter, stop: Stop) -> Reason | None:
    """Do what is left of an epoch and judge it; a reason to stop leaves it, after a step, with the progress so far."""
    epoch, started, seen_before = progress.epoch, time.time(), progress.seen
    set_trainable(setup.model, setup.config.finetune, epoch)
    setup.sampler.epoch, setup.sampler.skip = epoch, progress.step * setup.config.train.batch_size
    watch = LossWatch(setup)
    for rows, inputs in setup.batches:
        progress.lr = max(group["lr"] for group in setup.optimizer.param_groups)
        loss = train_step(setup, epoch, progress.step, rows, inputs, reporter.noted)
        watch.saw(epoch, progress.step, progress.lr, rows, loss)
        setup.schedule.batch_ended()
        progress.total = progress.total + loss * len(rows)
        progress.seen += len(rows)
        progress.step += 1
        reporter.stepped(epoch, progress.step - 1, _mean(progress), progress.lr)
        reason = stop()
        if reason or saving.is_due():
            watch.look()
            if reason:
                return reason
            saving.save(progress)
    watch.look()
    speed = (progress.seen - seen_before) / max(time.time() - started, 1e-9)
    setup.average.epoch_ended(epoch)
    judged = _judge(setup, epoch)
    setup.schedule.epoch_ended(_monitored(judged, setup.config))
    progress.history.append({**_row(setup, progress, judged, speed), "seconds": round(time.time() - started, 3)})
    # Of equals the first is the better one.
    place = sum(not _better(judged, each, setup.config) for each in progress.kept)
    if place < setup.config.train.keep_best:
        checkpoint = setup.checkpoint(setup.average.judged(epoch), judged, epoch, progress.history)
        progress.kept = [*progress.kept[:place], checkpoint, *progress.kept[place:]][: setup.config.train.keep_best]
    progress.epoch, progress.step, progress.seen = epoch + 1, 0, 0
    progress.total = torch.zeros_like(progress.total)
    reporter.epoch_ended(progress.history[-1], place == 0)
    return None


def _row(setup: Setup, progress: Progress, judged: Evaluation, speed: float) -> Row:
    return {
        "epoch": progress.epoch,
        "train_loss": _mean(progress)(),
        "valid_loss": judged.loss,
        setup.codec.problem.scored_by.name: judged.score,
        "lr": progress.lr,
        "rows_per_second": round(speed, 1),
        "seconds": 0.0,
        "time": round(time.time(), 3),
    }


def _mean(progress: Progress) -> Callable[[], float]:
    total, seen = progress.total, progress.seen
    return lambda: float(total) / max(seen, 1)


def _judge(setup: Setup, epoch: int) -> Evaluation:
    """Evaluate the model, or the average of its weights; raises InputError where there is no number to compare."""
    reader, table = setup.reader(setup.average.judged(epoch)), setup.prepared.train.iloc[setup.validation_rows]
    return setup.require_numbers(evaluate(reader, setup.validation, table, setup.codec, setup.plain_loss, setup.compute), epoch)


def _monitored(judged: Evaluation, config: FoldConfig) -> float:
    return judged.loss if config.train.monitor == "loss" else judged.score


def _better(judged: Evaluation, best: FoldResult, config: FoldConfig) -> bool:
    if config.train.monitor == "loss":
        return judged.loss < best.loss
    return best.codec.problem.scored_by.better(judged.score, best.score)
