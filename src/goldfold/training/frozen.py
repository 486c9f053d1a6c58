"""Features of a frozen network, read once for a whole table, for an estimator to be fitted to and to predict by."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from goldfold.config import Component, FoldConfig
from goldfold.metrics import Array
from goldfold.modalities.frozen import FEATURES, FrozenModel
from goldfold.modalities.fused.learning import FusedView
from goldfold.modalities.protocol import Inputs, Key, View
from goldfold.prepare.prepared_set import LEFT_OUT
from goldfold.training.batches import default_workers
from goldfold.training.device import Compute
from goldfold.training.features import FeatureTable, Reading, features_folder, fill_tables
from goldfold.training.fold import Fold, Note
from goldfold.training.stopping import Stop, Stopped, never


class FrozenView:
    """Rows as the features in tables, one for each view of them, and the columns beside those."""

    lengths: Array | None = None

    def __init__(self, tables: Sequence[FeatureTable], beside: FusedView | None) -> None:
        self.tables, self.beside = tables, beside

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        views, rows = np.array(keys).T
        features = np.empty((len(keys), self.tables[0].values.shape[1]), np.float32)
        for place, table in enumerate(self.tables):
            features[views == place] = table.values[rows[views == place]]
        beside = self.beside.__getitems__(keys)[1] if self.beside else {}
        return torch.from_numpy(rows), {FEATURES: torch.from_numpy(features), **beside}


def frozen_view(model: FrozenModel, view: View, tables: Sequence[FeatureTable]) -> FrozenView:
    """Return a view with the features in place of what the network reads."""
    return FrozenView(tables, view.without(model.reads) if model.columns and isinstance(view, FusedView) else None)


def frozen_views(
    fold: Fold, model: FrozenModel, compute: Compute, scratch: Path | None, note: Note, stop: Stop
) -> tuple[FrozenView, FrozenView]:
    """Return a fold's training table as features, kept in `scratch`: model.views views to be fitted to, and the plain one.

    Without augmentation there is the plain one alone. Each is read for all folds at once, in the same batches whichever comes
    first. Raises Stopped if `stop` gave a reason before all were read.
    """
    prepared, config = fold.prepared, fold.config
    augmented, plain, batch_size = fold.training_view(), fold.plain_view(), batch_of(config)
    folder = table_folder(scratch, model, prepared.fingerprint, compute)
    rows = np.flatnonzero(prepared.folds != LEFT_OUT)
    count = model.views if config.augment else 1
    names = [plain_name("train", batch_size)]
    names += [f"train-{batch_size}-{_digest(config.augment, fold.seed, view)}" for view in range(1, count)]
    tables = [FeatureTable(len(prepared.train), model.num_features, folder, name) for name in names]
    readings = [Reading(table, augmented if view else plain, rows, view) for view, table in enumerate(tables)]
    workers = default_workers() if config.train.workers is None else config.train.workers
    computed = fill_tables(readings, model.eval().features, batch_size, workers, compute, stop)
    if computed is None:
        raise Stopped(f"{fold.name} has not begun; the features that were read are kept")
    if computed:
        note(f"features: frozen networks read {computed} rows, for all folds, in {count} view{'s' * (count > 1)}")
    return frozen_view(model, augmented, tables), frozen_view(model, plain, tables[:1])


def read_view(
    model: FrozenModel, view: View, table: FeatureTable, rows: Sequence[Array], batch_size: int, compute: Compute
) -> FrozenView:
    """Return a view with the features of rows, read into `table` where they are not in it, one group of rows after the other."""
    fill_tables([Reading(table, view, group) for group in rows], model.eval().features, batch_size, 0, compute, never)
    return frozen_view(model, view, [table])


def batch_of(config: FoldConfig) -> int:
    """Return the rows of a batch outside of training."""
    return config.train.micro_batch_size or config.train.batch_size


def table_folder(scratch: Path | None, model: FrozenModel, fingerprint: str, compute: Compute) -> Path | None:
    """Return the folder for the features that these networks make of a prepared set; None without scratch."""
    return features_folder(scratch, model.network, fingerprint, model.spec, str(compute)) if scratch else None


def plain_name(part: str, batch_size: int, change: Component | None = None) -> str:
    """Return the name of the features of a table's rows as they are, or changed for test-time augmentation."""
    return f"{part}-{batch_size}-{_digest(change) if change else 'plain'}"


def _digest(*made_by: Any) -> str:
    def as_json(value: Any) -> Any:
        return value.model_dump(mode="json")

    return hashlib.blake2b(json.dumps(made_by, sort_keys=True, default=as_json).encode(), digest_size=6).hexdigest()
