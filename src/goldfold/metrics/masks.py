"""Metrics of masks, of areas in pixels: truth is (n, classes), and mask the predicted and the shared areas, (n, classes, 2)."""

import numpy as np

from goldfold.metrics.metric import Array

STEPS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""The thresholds of TGS Salt, and of COCO."""


def mean_dice(truth: Array, mask: Array) -> float:
    """The mean over images and classes of twice the shared area over the sum of areas; 1 where truth and mask are both empty.

    Kaggle's carvana-image-masking-challenge, severstal-steel-defect-detection and understanding_cloud_organization.
    """
    return float(_shares(2 * mask[..., 1], truth + mask[..., 0]).mean())


def dice(truth: Array, mask: Array) -> float:
    """Twice the shared area of all images over the sum of all areas, its mean over classes.

    Kaggle's google-research-identify-contrails-reduce-global-warming.
    """
    return float(_shares(2 * mask[..., 1].sum(axis=0), (truth + mask[..., 0]).sum(axis=0)).mean())


def mean_iou(truth: Array, mask: Array) -> float:
    """The mean over images and classes of the shared area over that of both together; 1 where truth and mask are both empty."""
    return float(_ious(truth, mask).mean())


def iou(truth: Array, mask: Array) -> float:
    """The shared area of all images over that of both together, its mean over classes (mean IoU of Pascal VOC)."""
    return float(_ious(truth.sum(axis=0), mask.sum(axis=0)).mean())


def iou_precision(truth: Array, mask: Array) -> float:
    """The mean over images and classes of the share of the thresholds 0.5, 0.55, … 0.95 that the IoU is above.

    1 where truth and mask are both empty. Kaggle's tgs-salt-identification-challenge.
    """
    return float((_ious(truth, mask)[..., None] > np.array(STEPS)).mean())


def _ious(truth: Array, mask: Array) -> Array:
    return _shares(mask[..., 1], truth + mask[..., 0] - mask[..., 1])


def _shares(part: Array, whole: Array) -> Array:
    return np.where(whole > 0, part / np.maximum(whole, 1), 1.0)


def row_losses(truth: Array, mask: Array) -> Array:
    """One minus the mean Dice of each image over its classes, (n,)."""
    return np.asarray(1 - _shares(2 * mask[..., 1], truth + mask[..., 0]).mean(axis=1))
