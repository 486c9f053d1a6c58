"""The full state of a training in progress, from which the same training goes on after a kill.

What is random in training comes from (seed, epoch, step or row), so the position alone restores it: no generator's state
is kept. A state lies outside DVC's outputs, which DVC deletes before it runs a stage, in a folder named by a hash of all
that the training depends on; so it is never taken up by another one.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.training.fold_result import FoldResult
from goldfold.training.reporter import Row
from goldfold.training.setup import Setup

STATES = "states"
"""Where in the scratch folder the states lie."""
GONE_WITHIN = 5.0


@dataclass
class Progress:
    """How far a training is: `epoch` and `step` are the next to do; `total` (of the loss) and `seen` are the epoch's so far.

    `kept` are the best epochs' checkpoints, the best first.
    """

    epoch: int = 0
    step: int = 0
    total: torch.Tensor = field(default_factory=lambda: torch.zeros(()))
    seen: int = 0
    lr: float = 0.0
    history: list[Row] = field(default_factory=list)
    kept: list[FoldResult] = field(default_factory=list)

    @property
    def best(self) -> FoldResult | None:
        """The best checkpoint so far, if there is one."""
        return self.kept[0] if self.kept else None


@contextmanager
def held(states: Path, key: str) -> Iterator[Path]:
    """Yield the folder of a key's state; raises InputError while another process trains the same."""
    states.mkdir(parents=True, exist_ok=True)
    lock = FileLock(states / f"{key}.lock")
    try:
        # A process that was just killed may take a moment to be gone.
        lock.acquire(timeout=GONE_WITHIN)
    except Timeout:
        raise InputError(
            "another process is training this fold with the same settings", mend="wait for it, or stop it; its state is kept"
        ) from None
    with lock:
        yield states / key


def save_state(folder: Path, setup: Setup, progress: Progress) -> None:
    """Save the state, whole or not at all; each of the best weights is a file of its own, written once."""
    for kept in progress.kept:
        if not (folder / _best(kept.epoch) / "model.json").is_file():
            kept.save(folder / _best(kept.epoch))
    state = {
        "model": setup.model.state_dict(),
        "average": setup.average.state_dict(),
        "optimizer": setup.optimizer.state_dict(),
        "schedule": setup.schedule.state_dict(),
        "scaler": setup.scaler.state_dict(),
        "micro_batch_size": setup.micro_batch_size,
        "epoch": progress.epoch,
        "step": progress.step,
        "total": progress.total,
        "seen": progress.seen,
        "lr": progress.lr,
        "history": progress.history,
        "kept": [kept.epoch for kept in progress.kept],
    }
    with written_whole(folder / "state.pt") as draft:
        torch.save(state, draft)
    for stale in folder.glob("best-*"):
        if stale.name not in [_best(kept.epoch) for kept in progress.kept]:
            shutil.rmtree(stale)


def load_state(folder: Path, setup: Setup) -> Progress | None:
    """Put a saved state into `setup` and return its progress; nothing where none was saved."""
    if not (folder / "state.pt").is_file():
        return None
    # On the CPU: what belongs on the device is copied there, and an optimiser's count of steps is better read from here.
    state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
    state["total"] = setup.compute.to_device(state["total"])
    setup.model.load_state_dict(state["model"])
    setup.average.load_state_dict(state["average"])
    setup.optimizer.load_state_dict(state["optimizer"])
    setup.scaler.load_state_dict(state["scaler"])
    setup.micro_batch_size = state["micro_batch_size"]
    train = setup.config.train
    if train.continue_from and (state["epoch"], state["step"]) > (train.continue_from, 0):
        setup.schedule.go_on(train.epochs - train.continue_from)
        setup.optimizer.load_state_dict(state["optimizer"])
    setup.schedule.load_state_dict(state["schedule"])
    kept = [FoldResult.load(folder / _best(epoch)) for epoch in state["kept"]]
    position = {name: state[name] for name in ("epoch", "step", "total", "seen", "lr", "history")}
    return Progress(**position, kept=kept)


def keep_result(folder: Path, result: FoldResult, with_state: bool) -> None:
    """Put the finished training's result in the place of its state, until DVC has taken the output; see `forget`."""
    result.save(folder / "result")
    if not with_state:
        (folder / "state.pt").unlink(missing_ok=True)
        for stale in folder.glob("best-*"):
            shutil.rmtree(stale)


def kept_result(folder: Path) -> FoldResult | None:
    """What `keep_result` kept, if anything."""
    return FoldResult.load(folder / "result") if (folder / "result" / "model.json").is_file() else None


def forget(scratch: Path, current: Sequence[FoldResult]) -> None:
    """Delete the kept results of all finished trainings but the current ones, which DVC's outputs are by now.

    The current ones stay, so that a change of a setting without effect on them trains nothing again.
    """
    keys = {result.key for result in current}
    for folder in [place.parent for place in (scratch / STATES).glob("*/result")]:
        if folder.name not in keys and not (folder / "state.pt").is_file():
            shutil.rmtree(folder)
            folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)


def discard(scratch: Path, key: str) -> None:
    """Delete what is kept of a training, finished or not."""
    shutil.rmtree(scratch / STATES / key, ignore_errors=True)
    (scratch / STATES / f"{key}.lock").unlink(missing_ok=True)


def _best(epoch: int) -> str:
    return f"best-{epoch}"
