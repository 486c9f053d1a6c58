"""The full state of a training, from which the same training resumes after a kill.

All randomness comes from (seed, epoch, step or row), so no generator's state is kept. DVC deletes a stage's outputs before it
runs, so states are elsewhere, each in a folder named by the training's identity: no other training can load it.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from goldfold.errors import InputError
from goldfold.files import remove, written_whole
from goldfold.scratch import is_kept, keeping, seal
from goldfold.training.fold_result import FoldResult
from goldfold.training.trainer import Trainer

STATES, STATE, RESULT = "states", "state.pt", "result"
"""The folder of all states in scratch, the file of one, and the folder of a finished training's result beside it."""
GONE_WITHIN = 5.0


@contextmanager
def held(states: Path, key: str) -> Iterator[Path]:
    """Yield the folder of a key's state; raises InputError while another process trains the same."""
    states.mkdir(parents=True, exist_ok=True)
    lock = FileLock(states / f"{key}.lock")
    try:
        # A process that was killed may need a moment to end.
        lock.acquire(timeout=GONE_WITHIN)
    except Timeout:
        raise InputError(
            "another process is training this fold with the same settings", mend="wait for it, or stop it; its state is kept"
        ) from None
    with lock:
        yield states / key


def save_state(folder: Path, trainer: Trainer) -> None:
    """Save the state, whole or not at all; each of the best checkpoints is a folder of its own, written once."""
    names = [_best(checkpoint.epoch) for checkpoint in trainer.progress.kept]
    for checkpoint, name in zip(trainer.progress.kept, names, strict=True):
        if not (folder / name).is_dir():
            with keeping(folder / name) as kept:
                checkpoint.save(kept)
    with written_whole(folder / STATE) as draft:
        torch.save(trainer.state_dict(), draft)
        seal(draft)
    for stale in folder.glob("best-*"):
        if stale.name not in names:
            shutil.rmtree(stale)


def load_state(folder: Path, trainer: Trainer) -> bool:
    """Load a saved state into a trainer; return False if there is none, or if it or one of its checkpoints is damaged."""
    parts = [folder / STATE, *folder.glob("best-*")]
    if not all(is_kept(path) for path in parts):
        for path in parts:
            remove(path)
        return False
    # On the CPU: tensors are copied to the device where needed, and an optimiser's count of steps stays here.
    state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
    trainer.load_state_dict(state, lambda epoch: FoldResult.load(folder / _best(epoch)))
    return True


def keep_result(folder: Path, result: FoldResult, with_state: bool) -> None:
    """Keep a finished training's result, with `with_state` beside its state, until DVC has the output; see `forget`."""
    with keeping(folder / RESULT) as kept:
        result.save(kept)
    if not with_state:
        (folder / STATE).unlink(missing_ok=True)
        for stale in folder.glob("best-*"):
            shutil.rmtree(stale)


def kept_result(folder: Path) -> FoldResult | None:
    """Return what `keep_result` kept, if anything."""
    return FoldResult.load(folder / RESULT) if is_kept(folder / RESULT) else None


def forget(scratch: Path, current: Sequence[FoldResult]) -> None:
    """Delete the kept results of all finished trainings except the current ones.

    These stay, so that a change of a setting that does not affect them trains nothing again.
    """
    keys = {result.key for result in current}
    for folder in [path.parent for path in (scratch / STATES).glob(f"*/{RESULT}")]:
        if folder.name not in keys and not (folder / STATE).is_file():
            shutil.rmtree(folder)
            folder.with_name(f"{folder.name}.lock").unlink(missing_ok=True)


def discard(scratch: Path, key: str) -> None:
    """Delete everything kept of a training, finished or not."""
    shutil.rmtree(scratch / STATES / key, ignore_errors=True)
    (scratch / STATES / f"{key}.lock").unlink(missing_ok=True)


def _best(epoch: int) -> str:
    return f"best-{epoch}"
