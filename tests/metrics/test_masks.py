"""Masks: codes, cells, and metrics that agree with plain NumPy on whole masks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from goldfold.errors import InputError
from goldfold.masks import (
    Cell,
    MaskForm,
    areas,
    averaged,
    code_of,
    cut,
    is_code,
    joined,
    mask_of_code,
    overlaps,
    packed,
    unpacked,
)
from goldfold.masks.codes import connected_parts, runs_of
from goldfold.metrics import METRICS, find_metric
from goldfold.training.mask_losses import DiceBCELoss, LovaszLoss, SumLoss

FORMS = [MaskForm(), MaskForm(order="rows"), MaskForm(start=0), MaskForm(order="rows", start=0)]
HEIGHT, WIDTH = 9, 14


def made_masks(rows=12, classes=2, seed=0):
    """Truth and prediction, (rows, classes, height, width), with empty and equal ones among them."""
    draws = np.random.default_rng(seed)
    truth = draws.random((rows, classes, HEIGHT, WIDTH)) > 0.7
    guess = np.where(draws.random(truth.shape) > 0.2, truth, draws.random(truth.shape) > 0.6)
    truth[0], guess[0] = False, False
    truth[1], guess[2] = False, False
    guess[3] = truth[3]
    return truth, guess


def as_codes(masks, form):
    return np.array([[code_of(mask, form) for mask in row] for row in masks], dtype=object)


def as_cells(masks):
    cells = np.empty(masks.shape[:2], object)
    for place in np.ndindex(cells.shape):
        cells[place] = packed(Cell(masks[place].astype(np.uint8) * 255, HEIGHT, WIDTH))
    return cells


def test_a_code_counts_down_the_columns_from_one():
    mask = np.zeros((3, 4), np.uint8)
    mask[1:, 0] = mask[0, 1] = mask[2, 3] = 1
    assert code_of(mask, MaskForm()) == "2 3 12 1"
    assert code_of(mask, MaskForm(order="rows", start=0)) == "1 1 4 1 8 1 11 1"


@pytest.mark.parametrize("form", FORMS)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_a_mask_comes_back_from_its_code(form, seed, share):
    mask = (np.random.default_rng(seed).random((HEIGHT, WIDTH)) < share).astype(np.uint8)
    code = code_of(mask, form)
    assert (mask_of_code(code, HEIGHT, WIDTH, form) == mask).all()
    assert areas(np.array([code], object), form) == mask.sum()


def test_codes_of_instances_are_joined_whatever_their_order():
    form, (truth, _) = MaskForm(), made_masks()
    parts = connected_parts(truth[5, 0])
    assert len(parts) > 1
    codes = [code_of(part, form) for part in parts]
    assert joined(codes[::-1], form) == code_of(truth[5, 0], form)
    assert joined(["", "-1"], form) == ""


@pytest.mark.parametrize("text", ["1", "1 2 3", "1 x", "0 3", "4 0", "1.0 2", "9" * 20 + " 1", f"{2**63 - 1} 5"])
def test_what_is_no_code_is_refused(text):
    with pytest.raises(ValueError, match=r"pairs|starts before|beyond any image"):
        runs_of(text, MaskForm())


def test_a_code_that_leaves_its_image_is_refused():
    with pytest.raises(ValueError, match="its last pixel is 127"):
        mask_of_code("120 8", HEIGHT, WIDTH, MaskForm())
    assert is_code("120 8") and is_code("-1") and not is_code("cat")


def test_spaces_around_the_numbers_of_a_code_do_not_matter():
    assert is_code(" 1  3 10 5 ") and joined([" 1  3 10 5 "], MaskForm()) == "1 3 10 5"


def test_the_answer_without_a_pixel_is_read_as_empty():
    assert joined(["1 1"], MaskForm(empty="1 1")) == "" and joined(["1 1"], MaskForm()) == "1 1"


def plain(name, truth, guess):
    """The metric by NumPy, on whole masks (rows, classes, height, width)."""
    shared, true, given_ = ((a).sum(axis=(2, 3)).astype(float) for a in (truth & guess, truth, guess))
    if name in ("dice", "iou"):
        shared, true, given_ = (a.sum(axis=0) for a in (shared, true, given_))
    both = true + given_
    top, bottom = (2 * shared, both) if "dice" in name else (shared, both - shared)
    with np.errstate(invalid="ignore"):
        scores = np.where(bottom == 0, 1.0, top / bottom)
    if name == "iou_precision":
        return np.mean([scores > step for step in np.arange(0.5, 1, 0.05).round(2)])
    return scores.mean()


@pytest.mark.parametrize("name", [name for name, metric in METRICS.items() if metric.needs == "mask"])
@pytest.mark.parametrize("form", FORMS)
def test_metrics_agree_with_plain_numpy(name, form):
    truth, guess = made_masks()
    for prediction in (as_cells(guess), as_codes(guess, form)):
        measured = overlaps(as_codes(truth, form), prediction, form)
        assert find_metric(name, "masks").score("masks", *measured) == pytest.approx(plain(name, truth, guess), abs=1e-12)


def test_a_threshold_and_a_least_area_are_those_of_each_cell():
    form, (truth, _) = MaskForm(), made_masks()
    draws = np.random.default_rng(1)
    levels = draws.integers(0, 256, truth.shape).astype(np.uint8)
    cells = np.empty(truth.shape[:2], object)
    for place in np.ndindex(cells.shape):
        cells[place] = cut(packed(Cell(levels[place], HEIGHT, WIDTH)), 40 * (1 + place[1]), 87)
    guess = levels >= np.array([40, 80])[None, :, None, None]
    guess &= guess.sum(axis=(2, 3), keepdims=True) >= 87
    true, predicted = overlaps(as_codes(truth, form), cells, form)
    assert (true == truth.sum(axis=(2, 3))).all()
    assert (predicted[..., 0] == guess.sum(axis=(2, 3))).all()
    assert (predicted[..., 1] == (guess & truth).sum(axis=(2, 3))).all()
    assert (unpacked(cells[4, 1]).mask() == guess[4, 1]).all()


def test_the_average_of_cells_is_that_of_their_probabilities():
    levels = np.random.default_rng(0).integers(0, 256, (3, 4, 5)).astype(np.uint8)
    mean = unpacked(averaged([packed(Cell(part, 8, 10)) for part in levels]))
    assert np.abs(mean.levels - levels.mean(axis=0)).max() <= 0.5
    assert (mean.height, mean.width) == (8, 10) and mean.mask().shape == (8, 10)


def hinge_by_definition(logits, truth):
    """The Lovász extension of the Jaccard loss at the hinge errors, set by set: Berman et al. 2018, equation 9."""
    errors = np.maximum(0, 1 - logits * (2 * truth - 1))
    order, wrong, total, before = np.argsort(-errors, kind="stable"), np.zeros(len(truth), bool), 0.0, 0.0
    for pixel in order:
        wrong[pixel] = True
        found = truth.astype(bool) ^ wrong
        lost = 1 - (found & (truth == 1)).sum() / (found | (truth == 1)).sum()
        total, before = total + errors[pixel] * (lost - before), lost
    return total


def logits_and_truth():
    draws = np.random.default_rng(0)
    logits, truth = draws.normal(size=(3, 2, 4, 5)), (draws.random((3, 2, 4, 5)) > 0.6).astype(float)
    truth[0, 0] = 0
    truth[1, 1] = 1
    return logits, truth


def test_the_lovasz_loss_is_its_definition():
    logits, truth = logits_and_truth()
    wanted = np.mean([hinge_by_definition(logits[at].ravel(), truth[at].ravel()) for at in np.ndindex(3, 2)])
    assert LovaszLoss()(torch.tensor(logits), torch.tensor(truth)).item() == pytest.approx(wanted)


def test_a_sum_of_losses_is_weighted():
    logits, truth = logits_and_truth()
    probability = 1 / (1 + np.exp(-logits))
    dice = 1 - (2 * (probability * truth).sum((2, 3)) + 1) / ((probability + truth).sum((2, 3)) + 1)
    right = np.where(truth == 1, probability, 1 - probability)
    focal = ((1 - right) ** 3 * -np.log(right)).mean()
    made = SumLoss({"DiceLoss": 2, "BCEWithLogitsLoss": 0.5, "FocalLoss": {"weight": 3, "gamma": 3}})
    wanted = 2 * dice.mean() + 0.5 * -np.log(right).mean() + 3 * focal
    assert made(torch.tensor(logits), torch.tensor(truth)).item() == pytest.approx(wanted)
    assert DiceBCELoss()(torch.tensor(logits), torch.tensor(truth)).item() == pytest.approx(dice.mean() - np.log(right).mean())


@pytest.mark.parametrize("losses", [{}, {"NoSuchLoss": 1}, {"DiceLoss": {"no_such": 1}}])
def test_a_sum_of_what_is_no_loss_is_refused(losses):
    with pytest.raises((InputError, ValueError), match=r"names none|NoSuchLoss|no_such"):
        SumLoss(losses)
