"""The worst errors, as people see the rows, with what the network looked at."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
import torch

from goldfold.competition import Problem
from goldfold.imports import find_modality_part
from goldfold.metrics import Array
from goldfold.pages.html import Html, element, joined, number, paragraph
from goldfold.pages.pictures import data_uri, fitted, heated
from goldfold.pages.rows import said
from goldfold.prepare import PreparedSet, Shown
from goldfold.training import FoldResult
from goldfold.training.device import find_compute_again

MOST = 24
BATCH = 4
"""Rows whose maps are computed at once; a backward pass keeps all their layers in memory."""
MOST_LABELS = 4


def worst_errors(prepared: PreparedSet, oof: pd.DataFrame, rows: Array, losses: Array, folds: Sequence[FoldResult]) -> Html:
    """Return cards of an out-of-fold table's rows with the largest `losses`; `rows` are their positions in the training table.

    A picture has a heat map beside it if the model of its fold is among `folds`.
    """
    problem = prepared.problem
    worst = np.argsort(-losses, kind="stable")[:MOST]
    table, chosen = oof.iloc[worst], rows[worst]
    showing = find_modality_part(problem.modality, "shown")
    shown = showing.show_rows(prepared, "train", chosen, folds[0].spec if folds else None) if showing else [Shown()] * len(table)
    pictured = any(row.picture is not None for row in shown)
    heat, remark = _heat(prepared, table, chosen, folds) if pictured else ({}, "")
    names = zip(table[problem.id].astype("str"), table["fold"], losses[worst], *truth_and_guess(problem, table), strict=True)
    cards = [
        _card(row, heat.get(position), *described) for position, (row, described) in enumerate(zip(shown, names, strict=True))
    ]
    message = f"The {len(cards)} rows with the largest loss: the truth → the prediction of models that never saw them. {remark}"
    return joined([paragraph(message), element("div", *cards, class_="cards")])


def _card(shown: Shown, heat: Array | None, name: str, fold: int, loss: float, actual: str, predicted: str) -> Html:
    parts: list[str] = []
    if shown.picture is not None:
        picture = fitted(shown.picture)
        pictures = [picture] if heat is None else [picture, heated(picture, heat)]
        parts.append(element("div", *(Html(f'<img src="{data_uri(shot)}" alt="">') for shot in pictures), class_="pictures"))
    guess = [" → ", element("b", predicted, class_="wrong")] if predicted else [" right, but not sure"]
    parts.append(element("p", element("b", actual), *guess))
    parts.append(element("p", f"{name} · fold {fold} · loss {loss:.3g}", class_="small"))
    return element("article", *parts, *said(shown))


def truth_and_guess(problem: Problem, table: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the truth and the prediction of each row as texts; the prediction is empty if it is the right class."""
    truth, prediction = problem.truth(table), problem.predictions(table)
    if problem.is_exclusive:
        share = np.stack([1 - prediction, prediction], axis=1) if problem.task == "binary" else prediction
        classes = problem.class_of(truth), share.argmax(axis=1)
        actual, predicted = (
            [f"{problem.classes[at]} ({p[at]:.1%})" for at, p in zip(numbers, share, strict=True)] for numbers in classes
        )
        return actual, [label if wrong else "" for label, wrong in zip(predicted, classes[0] != classes[1], strict=True)]
    if problem.has_masks:
        return _areas(*problem.measured(truth, prediction))
    pairs = truth.reshape(len(table), -1), prediction.reshape(len(table), -1)
    if problem.task == "multilabel":
        likely = [[(problem.names[at], row[at]) for at in np.argsort(-row)[:MOST_LABELS]] for row in pairs[1]]
        actual = [", ".join(np.asarray(problem.names)[row == 1]) or "no label" for row in pairs[0]]
        return actual, [", ".join(f"{name} {share:.0%}" for name, share in row) for row in likely]
    actual, predicted = ([", ".join(map(number, row)) for row in values] for values in pairs)
    return actual, predicted


def _areas(truth: Array, prediction: Array) -> tuple[list[str], list[str]]:
    """The true areas of masks, and the predicted ones with the pixels that are right."""
    actual = [f"{area:,} pixels" for area in truth.sum(axis=1)]
    return actual, [f"{area:,}, {right:,} of them right" for area, right in prediction.sum(axis=1)]


def _heat(prepared: PreparedSet, table: pd.DataFrame, rows: Array, folds: Sequence[FoldResult]) -> tuple[dict[int, Array], str]:
    """Return the heat maps by position in the table, where the fold's model is available and has one, and a remark."""
    problem = prepared.problem
    maps: dict[int, Array] = {}
    directions = _directions(problem, problem.truth(table), problem.predictions(table))
    saliency = find_modality_part(problem.modality, "saliency")
    models = {result.fold: result for result in reversed(folds)} if saliency else {}
    for fold, result in models.items():
        here = np.flatnonzero(table["fold"].to_numpy() == fold)
        if len(here):
            heats = _heat_of(prepared, result, saliency, rows[here], directions[here])
            maps |= dict(zip(here.tolist(), heats, strict=True)) if heats is not None else {}
    if maps:
        return maps, ("Beside each picture, Grad-CAM shows what made the model predict so (red most, blue least).")
    return maps, "Without heat maps: this network has no feature map to draw them from." if models else ""


def _heat_of(prepared: PreparedSet, result: FoldResult, saliency: Any, rows: Array, directions: Array) -> Array | None:
    compute = find_compute_again(result.precision)
    model = result.build_model().to(compute.device)
    view = result.modality.plain_view(prepared, "train", result.spec)
    heats = []
    for start in range(0, len(rows), BATCH):
        _, inputs = view.__getitems__([(0, int(row)) for row in rows[start : start + BATCH]])
        inputs = {name: compute.to_device(tensor) for name, tensor in inputs.items()}
        towards = compute.to_device(torch.from_numpy(directions[start : start + BATCH]))
        # Your own network may raise anything when its outputs are differentiated.
        with suppress(Exception):
            heats.append(saliency.heat_maps(model, inputs, towards))
    complete = len(heats) * BATCH >= len(rows) and all(heat is not None for heat in heats)
    return np.concatenate(heats) if complete else None


def _directions(problem: Problem, truth: Array, prediction: Array) -> Array:
    """Return the logits to explain, (n, outputs) float32: the predicted class's, or the sign of the largest error."""
    columns = prediction.reshape(len(prediction), -1)
    rows, directions = np.arange(len(columns)), np.zeros(columns.shape, np.float32)
    if problem.task == "multiclass":
        directions[rows, columns.argmax(axis=1)] = 1
        return directions
    errors = columns - truth.reshape(columns.shape)
    most = np.abs(errors).argmax(axis=1)
    directions[rows, most] = np.where(errors[rows, most] > 0, 1, -1)
    return directions
