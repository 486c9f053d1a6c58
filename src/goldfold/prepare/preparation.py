"""Competition → PreparedSet."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition, Decision, Problem
from goldfold.competition.answers import require_round_trip
from goldfold.competition.file_kind import kind_of_files
from goldfold.config import PrepareConfig, SplitConfig
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, write_json
from goldfold.imports import find_modality_part, modality_part
from goldfold.metrics import Array
from goldfold.prepare import duplicates
from goldfold.prepare.folds import assign_folds
from goldfold.prepare.gathered import Gathered
from goldfold.prepare.prepared_set import ALWAYS, LEFT_OUT, PreparedSet
from goldfold.prepare.subset import few_rows

MASKS = "masks"
"""The kind of input whose models predict masks."""
Progress = Callable[[Iterable[Any], int], Iterable[Any]]
"""Passes on an iterable of so many inputs and shows the progress."""


def prepare(
    competition: Competition,
    split: SplitConfig,
    config: PrepareConfig,
    folder: Path,
    progress: Progress = lambda inputs, _: inputs,
    scratch: Path | None = None,
) -> tuple[PreparedSet, dict[str, Any]]:
    """Assign the folds, gather the inputs, move duplicates into one fold, and write it all to `folder`, whole or not at all.

    Rows of competition.extra get the fold -1, which is always trained on and never validated. With
    `scratch`, a folder that outlives the stage, images are not decoded again. Returns the set and its summary (see
    `summarize`). Raises InputError for folds or inputs that cannot be made.
    """
    require_kind(competition.problem)
    if config.rows:
        competition = few_rows(competition, config.rows, split.n_folds)
    folds = folds_of(competition, split)
    return gather(competition, folds, split, config, folder, progress, scratch)


def require_kind(problem: Problem) -> None:
    """Raise InputError where masks are predicted by another kind of input than theirs, or by theirs something else."""
    if problem.has_masks != (problem.modality == MASKS):
        what = "masks are predicted" if problem.has_masks else f"a {problem.task} task is no task of masks"
        mend = f"set competition.modality: {MASKS}" if problem.has_masks else "set competition.modality: image"
        raise InputError(f"params.yaml, competition.modality: {problem.modality}, but {what}", mend=mend)


def folds_of(competition: Competition, split: SplitConfig) -> Array:
    """The fold of each training row, (n,) int16; raises InputError for folds that cannot be made, or would leak an answer."""
    own = len(competition.train) - competition.extra
    folds = assign_folds(competition.train[:own], competition.problem, split)
    folds = np.concatenate([folds, np.full(competition.extra, ALWAYS, np.int16)])
    _require_answers_whole(competition, folds)
    return folds


def gather(
    competition: Competition,
    folds: Array,
    split: SplitConfig,
    config: PrepareConfig,
    folder: Path,
    progress: Progress = lambda inputs, _: inputs,
    scratch: Path | None = None,
) -> tuple[PreparedSet, dict[str, Any]]:
    """Prepare a competition whose rows are in these folds, as `prepare` does."""
    require_round_trip(competition.problem, competition.train, competition.sample)
    with folder_written_whole(folder) as draft:
        modality = competition.problem.modality
        gathered: Gathered = modality_part(modality, "prepare").gather(competition, config, draft, progress, scratch)
        decisions = [*competition.decisions, *gathered.decisions]
        if config.audit != "off" and (alike := find_modality_part(modality, "alike")):
            pairs = alike.find_alike(competition, config, draft)
            pairs.to_parquet(draft / duplicates.FILE)
            if config.duplicates == "one_fold":
                folds, moved = _with_duplicates_together(competition, folds, pairs, split)
                decisions += moved
        if gathered.dropped:
            folds[list(gathered.dropped)] = LEFT_OUT
            why = f"their {kind_of_files(modality).name} is missing or bad"
            decisions.append(Decision("left out", f"{len(gathered.dropped)} training rows", why))
        prepared = PreparedSet(
            folder=folder,
            problem=competition.problem,
            train=competition.train,
            test=competition.test,
            sample=competition.sample,
            folds=folds,
            in_time=split.strategy == "time",
            inputs=gathered.digest,
            fingerprint=_fingerprint(competition, folds, gathered.digest),
            schema=competition.schema,
            weights=competition.weights,
            own=gathered.own,
        )
        _require_rows(prepared)
        summary = {
            **summarize(prepared),
            "inputs": gathered.description,
            "decided": [asdict(decision) for decision in decisions],
            "blank": gathered.blank,
        }
        prepared.save(draft)
        write_json(draft / "summary.json", summary)
    return prepared, summary


def summarize(prepared: PreparedSet) -> dict[str, Any]:
    """Rows, and per fold (-1: never validated, -2: left out) its rows and the count of each class, or the mean of each target."""
    problem, truth = prepared.problem, prepared.problem.truth(prepared.train)
    folds = {}
    for fold in sorted({int(fold) for fold in prepared.folds}):
        rows = prepared.folds == fold
        folds[str(fold)] = {"rows": int(rows.sum()), **_content(problem, truth[rows])}
    return {
        "problem": problem.to_json(),
        "rows": {"train": len(prepared.train), "test": len(prepared.test)},
        "content": _content(problem, truth),
        "folds": folds,
    }


def _content(problem: Problem, truth: Array) -> dict[str, Any]:
    if problem.is_exclusive:
        counts = np.bincount(problem.class_of(truth), minlength=len(problem.classes))
        return {"classes": {label: int(count) for label, count in zip(problem.classes, counts, strict=True)}}
    if problem.task == "multilabel":
        return {"labels": dict(zip(problem.names, truth.sum(axis=0).tolist(), strict=True))}
    columns = problem.amounts(truth)
    return {"means": dict(zip(problem.targets, columns.mean(axis=0).tolist(), strict=True))}


def _with_duplicates_together(
    competition: Competition, folds: Array, pairs: pd.DataFrame, split: SplitConfig
) -> tuple[Array, list[Decision]]:
    """The folds with each group of duplicates in one, without rows of competition.extra that are duplicates of others, and the
    decisions if rows had to move."""
    own, in_time = len(competition.train) - competition.extra, split.strategy == "time"
    train, ends = competition.train[:own], pairs[["first", "second"]].to_numpy()
    always = np.zeros(own, bool) if in_time else folds[:own] == ALWAYS
    tied = [train[column] for column in (split.group, competition.problem.answer_id) if column]
    kept = duplicates.in_one_fold(folds[:own], ends, tied, always, in_time)
    moved = int((kept != folds[:own]).sum())
    why = "so that duplicates are in one fold (prepare.duplicates)"
    if split.like:
        why += f"; duplicates: keep leaves them in the folds of {split.like}"
    decisions = [Decision("folds", f"{moved} row{'s' * (moved > 1)} moved", why)] if moved else []
    groups = duplicates.groups_of(ends, len(competition.train) + len(competition.test))
    repeated = np.isin(groups[own : len(folds)], groups[:own])
    if repeated.any():
        why = "duplicates of training rows, which would be trained on where these are validated"
        decisions.append(Decision("extra", f"{repeated.sum()} of {len(repeated)} rows left out", why))
    return np.concatenate([kept, np.where(repeated, LEFT_OUT, folds[own:])]).astype(folds.dtype), decisions


def _require_rows(prepared: PreparedSet) -> None:
    """Raise InputError for a fold without training or validation rows."""
    empty = [
        str(f)
        for f in range(int(prepared.folds.max()) + 1)
        if not (len(prepared.training_rows(f)) and len(prepared.validation_rows(f)))
    ]
    if empty:
        raise InputError("folds without training or validation rows", empty, "lower split.n_folds, or split otherwise")


def _require_answers_whole(competition: Competition, folds: Array) -> None:
    """Raise InputError where rows that share an answer are in several folds, which would leak it."""
    by = competition.problem.answer_id
    if by is None:
        return
    parts = pd.Series(folds).groupby(competition.train[by].to_numpy()).nunique()
    split = list(parts.index[parts > 1])
    if split:
        raise InputError(
            f"rows that share an answer ({by}) are in different folds: {len(split)} answers",
            [f"{by} {key}" for key in split],
            f"set split.strategy: stratified_group and split.group: {by} (or a coarser column, such as the patient)",
        )


def _fingerprint(competition: Competition, folds: Array, inputs: str) -> str:
    digest = hashlib.blake2b(digest_size=16)
    digest.update(json.dumps(competition.problem.to_json()).encode())
    for table in (competition.train, competition.test, competition.sample):
        digest.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
        digest.update(",".join(table.columns).encode())
    digest.update(folds.tobytes() + inputs.encode())
    if competition.weights is not None:
        digest.update(competition.weights.tobytes())
    return digest.hexdigest()
