"""Competition → PreparedSet."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Problem
from goldfold.config import PrepareConfig, SplitConfig
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json
from goldfold.metrics import Array
from goldfold.prepare.few_rows import few_rows
from goldfold.prepare.folds import assign_folds
from goldfold.prepare.image_cache import write_image_cache
from goldfold.prepare.prepared_set import PreparedSet


def prepare(
    competition: Competition,
    split: SplitConfig,
    config: PrepareConfig,
    folder: Path,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda images, _: images,
    scratch: Path | None = None,
) -> tuple[PreparedSet, dict[str, Any]]:
    """Assign the folds, cache the images and write it all to `folder`, whole or not at all.

    Rows of competition.extra get the fold -1, which is always trained on and never validated. With
    `scratch`, a folder that outlives the stage, images are not decoded again. Returns the set and its summary (see
    `summarize`). Raises InputError for folds or images that do not work out.
    """
    if config.rows:
        competition = few_rows(competition, config.rows, split.n_folds)
    own = len(competition.train) - competition.extra
    folds = assign_folds(competition.train[:own], competition.problem, split)
    folds = np.concatenate([folds, np.full(competition.extra, -1, np.int16)])
    _require_answers_whole(competition, folds)
    with folder_written_whole(folder) as draft:
        paths = [competition.root / path for path in competition.train_images + competition.test_images]
        images, pixels, bad = write_image_cache(draft, paths, config, progress, scratch)
        prepared = PreparedSet(
            problem=competition.problem,
            train=competition.train,
            test=competition.test,
            sample=competition.sample,
            folds=folds,
            in_time=split.strategy == "time",
            images=images,
            fingerprint=_fingerprint(competition, folds, pixels),
        )
        _require_rows(prepared)
        summary = {**summarize(prepared), "blank_images": bad}
        prepared.save(draft)
        write_json(draft / "summary.json", summary)
    return replace(prepared, images=type(images).load(folder)), summary


def summarize(prepared: PreparedSet) -> dict[str, Any]:
    """Rows and images, and per fold (-1: never validated) its rows and the count of each class, or the mean of each target."""
    problem, truth = prepared.problem, prepared.problem.truth(prepared.train)
    folds = {}
    for fold in sorted({int(fold) for fold in prepared.folds}):
        rows = prepared.folds == fold
        folds[str(fold)] = {"rows": int(rows.sum()), **_content(problem, truth[rows])}
    summary = {
        "problem": problem.to_json(),
        "rows": {"train": len(prepared.train), "test": len(prepared.test)},
        "content": _content(problem, truth),
        "folds": folds,
    }
    if prepared.images is not None:
        shapes = prepared.images.index[["shipped_height", "shipped_width"]]
        least, most = shapes.min(), shapes.max()
        summary["images"] = {
            "count": len(prepared.images),
            "shipped": f"{least.iloc[0]}x{least.iloc[1]} to {most.iloc[0]}x{most.iloc[1]}",
            "cache_megabytes": round(
                int((prepared.images.index["height"] * prepared.images.index["width"]).sum()) * prepared.images.channels / 1e6, 1
            ),
        }
    return summary


def _content(problem: Problem, truth: Array) -> dict[str, Any]:
    if problem.is_exclusive:
        counts = np.bincount(problem.class_of(truth), minlength=len(problem.classes))
        return {"classes": {label: int(count) for label, count in zip(problem.classes, counts, strict=True)}}
    columns = truth.reshape(len(truth), -1)
    if problem.task == "multilabel":
        return {"labels": dict(zip(problem.names, columns.sum(axis=0).tolist(), strict=True))}
    return {"means": dict(zip(problem.targets, columns.mean(axis=0).tolist(), strict=True))}


def _require_rows(prepared: PreparedSet) -> None:
    """Raise InputError for a fold that would train on, or be judged by, no row."""
    empty = [
        str(f)
        for f in range(int(prepared.folds.max()) + 1)
        if not (len(prepared.training_rows(f)) and len(prepared.validation_rows(f)))
    ]
    if empty:
        raise InputError("folds without training or validation rows", empty, "lower split.n_folds, or split otherwise")


def _require_answers_whole(competition: Competition, folds: Array) -> None:
    """Raise InputError where rows that share an answer are in several folds, so that one would be trained on for the other."""
    by = competition.problem.answer_id
    if by is None:
        return
    parts = pd.Series(folds).groupby(competition.train[by].to_numpy()).nunique()
    parted = list(parts.index[parts > 1])
    if parted:
        raise InputError(
            f"rows that share an answer ({by}) are in different folds: {len(parted)} answers",
            [f"{by} {key}" for key in parted],
            f"set split.strategy: stratified_group and split.group: {by} (or a coarser column, such as the patient)",
        )


def _fingerprint(competition: Competition, folds: Array, pixels: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(competition.problem.to_json()).encode())
    for table in (competition.train, competition.test, competition.sample):
        digest.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
        digest.update(",".join(table.columns).encode())
    digest.update(folds.tobytes() + pixels.encode())
    return digest.hexdigest()
