"""Features of a frozen backbone, computed once for each row, for the head to train on."""

import hashlib
import json
import shutil
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import nn

from goldfold.config import FoldConfig
from goldfold.files import remove, written_whole
from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Key, View
from goldfold.scratch import discard_damaged, is_kept, seal
from goldfold.training.batches import plain_batches
from goldfold.training.device import Compute
from goldfold.training.finetune import trains_head_alone
from goldfold.training.fold import Fold, Note
from goldfold.training.stopping import Stop

SAVED_EVERY = 60.0
KEPT_FOLDERS = 3


class FeatureTable:
    """The features of a table's rows, (rows, width) float32, computed on demand; with a `folder`, kept there.

    Files: <name>.npy, memory-mapped, and <name>.done.npy, which rows it holds. Folds share a table, and after a kill it resumes
    from its last save.
    """

    def __init__(self, rows: int, width: int, folder: Path | None, name: str) -> None:
        self.folder, self.name = folder, name
        self.done = np.zeros(rows, bool)
        if folder is None:
            self.values: Array = np.empty((rows, width), np.float32)
            return
        path = folder / f"{name}.npy"
        with FileLock(folder / f"{name}.lock"):
            if _opened(path, (rows, width)) is None:
                remove(self._done_file())
                with written_whole(path) as draft:
                    np.lib.format.open_memmap(draft, mode="w+", dtype=np.float32, shape=(rows, width)).flush()
        self.values = np.lib.format.open_memmap(path, mode="r+")
        self._read_done()

    def fill(
        self,
        rows: Array,
        batches: Callable[[Array], Any],
        features: Callable[..., torch.Tensor],
        compute: Compute,
        stop: Stop,
        wait: bool = True,
    ) -> bool:
        """Compute the missing ones of `rows`, in their `batches`; return False if `stop` gave a reason before all were done.

        Without `wait` it raises Timeout while another process fills the table.
        """
        with FileLock(self.folder / f"{self.name}.lock", blocking=wait) if self.folder else nullcontext():
            self._read_done()
            saved = time.monotonic()
            for part, inputs in batches(rows[~self.done[rows]]):
                with torch.inference_mode(), compute.autocast():
                    computed = features(**{name: compute.to_device(tensor) for name, tensor in inputs.items()})
                self.values[part.numpy()] = computed.float().cpu().numpy()
                self.done[part.numpy()] = True
                if stop() is not None:
                    break
                if time.monotonic() - saved > SAVED_EVERY:
                    self._save_done()
                    saved = time.monotonic()
            self._save_done()
        return bool(self.done[rows].all())

    def _read_done(self) -> None:
        if self.folder and is_kept(self._done_file()):
            self.done = np.load(self._done_file())

    def _save_done(self) -> None:
        if isinstance(self.values, np.memmap) and self.folder:
            self.values.flush()
            with written_whole(self._done_file()) as draft:
                with draft.open("wb") as file:
                    np.save(file, self.done)
                seal(draft)

    def _done_file(self) -> Path:
        assert self.folder is not None
        return self.folder / f"{self.name}.done.npy"


def _opened(path: Path, shape: tuple[int, int]) -> Array | None:
    """Open a table; None where there is none of that shape. One that is cut is deleted, with a line."""
    if not path.is_file():
        return None
    try:
        # Opened for writing, one that is too short would be lengthened.
        values = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, EOFError, OSError):
        discard_damaged(path)
        return None
    return values if values.shape == shape else None


class FeatureView:
    """The rows of a table as the head sees them; the epochs take several tables in turn."""

    lengths: Array | None = None

    def __init__(self, tables: Sequence[FeatureTable]) -> None:
        self.tables = tables

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        rows = torch.tensor([row for _, row in keys])
        table = self.tables[keys[0][0] % len(self.tables)]
        return rows, {"input": torch.from_numpy(table.values[rows.numpy()])}


def feature_views(
    fold: Fold,
    model: nn.Module,
    compute: Compute,
    views: tuple[View, View],
    workers: int,
    scratch: Path | None,
    note: Note,
    stop: Stop,
) -> tuple[View, View] | None:
    """Return the augmented and the plain view of a fold's training table as features of the frozen backbone, kept in `scratch`.

    None if features cannot replace the inputs (see `_width`), or if `stop` gave a reason before all were computed. There are
    finetune.feature_views augmented views, those of the first epochs, or one without augmentation. Validation rows pass through
    the backbone in the same batches as in validate.
    """
    prepared, config = fold.prepared, fold.config
    augmented, plain = views
    width = _width(model, config, plain, compute)
    if not width:
        return None
    settings = {**config.model_dump(mode="json", include={"model", "augment"}), "spec": fold.spec}
    folder = (
        features_folder(scratch, model, prepared.fingerprint, len(prepared.train), settings, str(compute)) if scratch else None
    )
    count = min(config.finetune.feature_views, config.train.epochs) if config.augment else 1
    batch_size = config.train.micro_batch_size or config.train.batch_size
    named = [f"seed-{fold.seed}-view-{number}" for number in range(count)]
    tables = [FeatureTable(len(prepared.train), width, folder, name) for name in (*named, f"plain-{batch_size}")]
    wanted = [*((augmented, fold.training_rows) for _ in named), (plain, fold.validation_rows)]
    model.eval()
    started = time.monotonic()
    readings = [Reading(table, *read, epoch) for epoch, (table, read) in enumerate(zip(tables, wanted, strict=True))]
    computed = fill_tables(readings, model.features, batch_size, workers, compute, stop)  # type: ignore[arg-type]
    if computed is None:
        return None
    if computed:
        note(
            f"features: the frozen backbone read {computed} rows in {time.monotonic() - started:.0f} s, "
            f"{count} augmented view{'s' * (count > 1)} of each row to train on; the epochs train the head on that"
        )
    return FeatureView(tables[:-1]), FeatureView(tables[-1:])


class Reading(NamedTuple):
    """Rows of a view, as they are in an epoch, that a network is to read into a table."""

    table: FeatureTable
    view: View
    rows: Array
    epoch: int = 0


def fill_tables(
    readings: Sequence[Reading],
    features: Callable[..., torch.Tensor],
    batch_size: int,
    workers: int,
    compute: Compute,
    stop: Stop,
) -> int | None:
    """Fill tables with features, and return how many rows were computed; None if `stop` gave a reason before all were.

    Folds that are trained at once fill different tables; when all that are left are taken, this one waits.
    """
    computed, passed = 0, 0
    left = deque(readings)
    while left:
        reading = left.popleft()
        table = reading.table

        def batches(missing: Array, reading: Reading = reading) -> Any:
            return plain_batches(reading.view, missing, batch_size, workers, reading.epoch)

        before = int(table.done.sum())
        try:
            filled = table.fill(reading.rows, batches, features, compute, stop, wait=passed > len(left))
        except Timeout:
            left.append(reading)
            passed += 1
            continue
        if not filled:
            return None
        passed = 0
        computed += int(table.done.sum()) - before
    return computed


def _width(model: nn.Module, config: FoldConfig, view: View, compute: Compute) -> int:
    """Return the number of features; 0 if the head has to be trained on the inputs.

    That is so if more than the head is trained, if batches are mixed or change their size between epochs, if the head pools a
    feature map or is part of the competitor's own module, and if finetune.feature_views is 0.
    """
    features, head = (getattr(model, name, None) for name in ("features", "head"))
    changing = config.train.mix or config.model.grows
    if config.finetune.train != "head" or not config.finetune.feature_views or changing or features is None:
        return 0
    if head is None or not list(head.parameters()) or not trains_head_alone(model):
        return 0
    _, inputs = view.__getitems__([(0, 0)])
    with torch.inference_mode():
        probe = features(**{name: compute.to_device(tensor) for name, tensor in inputs.items()})
    return int(probe.shape[1]) if probe.ndim == 2 else 0


def features_folder(scratch: Path, model: nn.Module, *depends: Any) -> Path:
    """Return the folder for features of this backbone and of what else they depend on; the last few folders are kept."""
    folder = scratch / "features" / features_key(model, *depends)
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    others = [path for path in folder.parent.iterdir() if path.is_dir() and path != folder]
    for stale in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_FOLDERS - 1 :]:
        shutil.rmtree(stale, ignore_errors=True)
    return folder


def features_key(model: nn.Module, *depends: Any) -> str:
    """Return the identity of the features of a backbone, all of a model but its head, and of what else they depend on."""
    digest = hashlib.blake2b(json.dumps(depends, sort_keys=True).encode(), digest_size=10)
    for name, tensor in sorted(model.state_dict().items()):
        if not name.startswith("head."):
            digest.update(name.encode() + tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
