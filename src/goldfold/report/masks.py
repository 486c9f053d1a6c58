"""Masks in the report: Dice against area, classes, and the worst images with the outlines of truth and prediction."""

import cv2
import numpy as np
import pandas as pd

from goldfold.competition import Problem
from goldfold.imports import modality_part
from goldfold.masks import unpacked
from goldfold.metrics import Array
from goldfold.metrics.masks import row_losses
from goldfold.pages.html import Html, element, joined, number, paragraph, rows_table
from goldfold.pages.pictures import data_uri, fitted
from goldfold.pages.svg import Frame, Scale, colour, legend, scale_of
from goldfold.prepare import PreparedSet

MOST = 24
MOST_DOTS = 1500
MOST_CLASSES = 10
PREDICTED = (235, 30, 60)


def dice_by_area(problem: Problem, truth: Array, prediction: Array) -> Html:
    """Return a chart of each mask's Dice against its true area, and a table of the classes."""
    true, given = problem.measured(truth, prediction)
    dice = np.stack([1 - row_losses(true[:, [place]], given[:, [place]]) for place in range(true.shape[1])], axis=1)
    frame = Frame(scale_of([np.maximum(true, 1)], "true area in pixels; 1 is an empty mask", log=True), Scale(0, 1.02, "Dice"))
    some = np.unique(np.linspace(0, len(true) - 1, min(len(true), MOST_DOTS)).astype(int))
    shown = range(min(true.shape[1], MOST_CLASSES))
    dots = [frame.dots(np.maximum(true[some, place], 1), dice[some, place], f"small {colour(place)}") for place in shown]
    names = problem.names[:MOST_CLASSES]
    chart = element("div", frame.drawn(*dots, title="each mask of each row: Dice against area"), class_="charts")
    head = ("class", "masks", "mean area", "mean Dice", "Dice of all", "missed", "false")
    rows = [_class(name, true[:, place], given[:, place], dice[:, place]) for place, name in enumerate(problem.names)]
    how = paragraph("Missed: an empty prediction of a mask; false: a prediction where the mask is empty.")
    return joined([chart, *([legend(names)] if len(names) > 1 else []), rows_table(head, rows, numbers=6), how])


def _class(name: str, true: Array, given: Array, dice: Array) -> tuple[str, ...]:
    filled, predicted, shared = true > 0, given[:, 0], given[:, 1].sum()
    area = true[filled].mean() if filled.any() else 0.0
    whole = true.sum() + predicted.sum()
    missed, false = int((filled & (predicted == 0)).sum()), int((~filled & (predicted > 0)).sum())
    all_of = number(2 * shared / whole) if whole else "–"
    return name, str(int(filled.sum())), f"{area:.0f}", number(dice.mean()), all_of, str(missed), str(false)


def worst_masks(prepared: PreparedSet, judged: pd.DataFrame, rows: Array) -> Html:
    """Return cards of the rows of `judged` with the lowest Dice, whose positions in the training table are `rows`."""
    problem = prepared.problem
    truth, prediction = problem.truth(judged), problem.predictions(judged)
    true, given = problem.measured(truth, prediction)
    losses = row_losses(true, given)
    worst = np.argsort(-losses, kind="stable")[:MOST]
    shown = modality_part(problem.modality, "shown")
    pictures = shown.show_rows(prepared, "train", rows[worst])
    cards = []
    for place, row in zip(worst, pictures, strict=True):
        picture = shown.outlined(row.picture, [_as_large(cell, row.picture) for cell in prediction[place]], PREDICTED)
        areas = f"{true[place].sum():,} pixels → {given[place, :, 0].sum():,}, {given[place, :, 1].sum():,} of them right"
        name = f"{judged[problem.id].iloc[place]} · fold {judged['fold'].iloc[place]}"
        image = element("div", Html(f'<img src="{data_uri(fitted(picture))}" alt="">'), class_="pictures")
        said = element("p", element("b", f"Dice {1 - losses[place]:.3f}"), f" {areas}")
        cards.append(element("article", image, said, element("p", name, class_="small")))
    message = (
        f"The {len(cards)} rows with the lowest Dice, as they are scored: green is the truth, red the prediction of models that "
        "never saw them."
    )
    return joined([paragraph(message), element("div", *cards, class_="cards")])


def _as_large(cell: bytes | str, picture: Array) -> Array:
    """A predicted mask at the size of a picture; that of a code, which has no size, is empty."""
    height, width = picture.shape[:2]
    if isinstance(cell, str):
        return np.zeros((height, width), np.uint8)
    return np.asarray(cv2.resize(unpacked(cell).mask() * 255, (width, height), interpolation=cv2.INTER_NEAREST))
