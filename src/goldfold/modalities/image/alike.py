"""Images that are the same: candidates by a perceptual hash, each confirmed by its pixels."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
import pandas as pd

from goldfold.metrics import Array
from goldfold.modalities.candidates import candidates
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.sketch import FREQUENCIES, mirrored
from goldfold.prepare.duplicates import equal_rows, pairs_table

TABLES = 16
LEAST_LIKE = 0.6
"""The correlation of two sketches below which their images are not compared."""
PER_IMAGE, AT_LEAST = 5, 1000
SIDE = 64
DETAIL = 2.0
"""The deviation of the Gaussian, in pixels of SIDE, above whose scale nothing counts: light and colour differ in copies."""
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
"""When aligning ends: steps, and the change of the correlation."""
OVERLAP = 0.6
"""The share of an image that the other covers once it is aligned, below which they are not compared."""
BACKGROUND = 200
"""Images that tell how alike images of this set usually are."""
OUTSTANDING = 7.0
"""Robust standard deviations by which a pair has to be more alike than images that are next to each other usually are."""
LOWEST, HIGHEST = 0.6, 0.99
"""What is more alike than the second is a copy in any set; what is less alike than the first is one in none."""


@dataclass(frozen=True)
class Sketches:
    """Unit vectors, (n, 63) float32, whose product is how alike two images are at a first look; `mirror` are those of the
    images turned left to right. Each frequency weighs what it tells of this set's images."""

    plain: Array
    mirror: Array

    @classmethod
    def of(cls, frequencies: Array) -> "Sketches":
        """Those of the FREQUENCIES of images; an image without any contrast is like none."""
        plain = _unit(frequencies)
        both = np.concatenate([plain, mirrored(plain)])
        both = _unit((both - both.mean(axis=0)) / np.maximum(both.std(axis=0), 1e-6)).astype(np.float32)
        both[~np.tile(plain.any(axis=1), 2)] = 0
        return cls(both[: len(plain)], both[len(plain) :])


def alike_images(images: ImageCache, sketches: pd.DataFrame) -> pd.DataFrame:
    """The confirmed pairs of the images of a cache: exact (the same file or pixels), near or mirrored.

    A pair is near where its details, above all differences in light, go together as they do in no pair of images that merely
    look alike: by `OUTSTANDING` deviations, aligned where one is cropped or shifted.
    """
    read = np.flatnonzero(sketches["file"] != "")
    first, second = equal_rows(sketches["file"].to_numpy()[read])
    same = pairs_table(read[first], read[second])
    distinct = np.setdiff1d(read, read[second])
    found = Sketches.of(sketches[list(FREQUENCIES)].to_numpy()[distinct])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        least = _bar(_usual(images, found.plain, distinct, pool))
        one, other, turned = _looked_at(found).T
        first, second = distinct[one], distinct[other]
        look = partial(_likeness, images, least)
        likeness = np.array(list(pool.map(look, first, second, turned)))
    confirmed = np.flatnonzero(likeness >= least)
    equal = [not turned[at] and np.array_equal(images[first[at]], images[second[at]]) for at in confirmed]
    how = ["exact" if same else "mirrored" if turned[at] else "near" for at, same in zip(confirmed, equal, strict=True)]
    near = pairs_table(first[confirmed], second[confirmed], how, np.where(equal, 1, likeness[confirmed]))
    return pd.concat([same, near]).sort_values(["first", "second"], ignore_index=True)


def _looked_at(sketches: Sketches) -> Array:
    """The pairs that are worth a look, the most alike first, and whether the second image is turned, (n, 3) int."""
    count = len(sketches.plain)
    both = np.concatenate([sketches.plain, sketches.mirror])
    hashed = candidates(_keys(both, count), both @ _directions(1)[:, 0])
    found = np.unique(np.concatenate([np.empty((0, 2), np.int64), *(_worth(both, pairs, count) for pairs in hashed)]), axis=0)
    alike = _products(both, found)
    order = np.argsort(-alike, kind="stable")
    found = found[order]
    # Each image is compared with a few others at most, however many look like it.
    seen = pd.DataFrame({"a": found[:, 0], "b": found[:, 1] % count})
    few = (seen.groupby("a").cumcount() < PER_IMAGE) | (seen.groupby("b").cumcount() < PER_IMAGE)
    found = found[few.to_numpy()][: max(AT_LEAST, count // 10)]
    return np.stack([found[:, 0], found[:, 1] % count, found[:, 1] // count], axis=1)


def _worth(both: Array, pairs: Array, count: int) -> Array:
    """Of candidate pairs those that are alike at a first look: the lower image as it is, the other as it is or turned."""
    a, b = pairs.min(axis=1), pairs.max(axis=1)
    turned = (a < count) & (b >= count)
    swap = turned & (a > b - count)
    a, b = np.where(swap, b - count, a), np.where(swap, a + count, b)
    kept = (a < count) & (a != b % count)
    pairs = np.stack([a, b], axis=1)[kept]
    return pairs[_products(both, pairs) >= LEAST_LIKE]


def _products(both: Array, pairs: Array, block: int = 1 << 18) -> Array:
    parts = [pairs[start : start + block] for start in range(0, len(pairs), block)]
    return np.concatenate([np.einsum("ij,ij->i", both[a], both[b]) for a, b in (p.T for p in parts)] or [np.empty(0)])


def _directions(count: int) -> Array:
    """Random directions, (63, count), the same each time."""
    return np.random.default_rng(0).normal(size=(len(FREQUENCIES), count)).astype(np.float32)


def _keys(both: Array, count: int) -> Array:
    """For each table a number that near vectors are likely to share, (n, TABLES): on which sides of planes they lie."""
    bits = max(8, int(np.ceil(np.log2(max(count, 2)))) + 2)
    planes = _directions(1 + TABLES * bits)[:, 1:].reshape(-1, TABLES, bits)
    powers = 1 << np.arange(bits, dtype=np.int64)
    return np.stack([(both @ planes[:, table] > 0) @ powers for table in range(TABLES)], axis=1)


def _usual(images: ImageCache, plain: Array, rows: Array, pool: ThreadPoolExecutor) -> Array:
    """The likeness of some of the images, evenly chosen, to the one that is most like each at a first look."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(BACKGROUND, len(rows))).astype(int))
    alike = plain[chosen] @ plain.T
    alike[np.arange(len(chosen)), chosen] = -1
    look = partial(_likeness, images, 1.0)
    return np.array(list(pool.map(look, rows[chosen], rows[alike.argmax(axis=1)], np.zeros(len(chosen), int))))


def _bar(usual: Array) -> float:
    """How alike a pair must be to stand out from the `usual` likenesses."""
    if not len(usual):
        return HIGHEST
    tall = np.arctanh(np.clip(usual, 0, 0.9999))
    middle = float(np.median(tall))
    spread = max(1.4826 * float(np.median(np.abs(tall - middle))), 0.05)
    return float(np.clip(np.tanh(middle + OUTSTANDING * spread), LOWEST, HIGHEST))


def _likeness(images: ImageCache, enough: float, one: int, other: int, turned: int) -> float:
    """The correlation of two images' details, aligned by an affine map where it is not `enough` without."""
    a, b = _grey(images[one]), _grey(images[other][:, :: -1 if turned else 1])
    direct = _correlation(_details(a), _details(b))
    if direct >= enough or (direct < 0 and not _correlation(a, b) > 0):
        return direct
    try:
        _, warp = cv2.findTransformECC(a, b, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, STOP, None, 3)
    except cv2.error:
        return direct
    placed = cv2.warpAffine(b, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    covered = cv2.warpAffine(np.ones_like(b), warp, (SIDE, SIDE), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    inner = cv2.erode(covered, np.ones((5, 5), np.uint8)) > 0
    if inner.mean() < OVERLAP:
        return direct
    return max(direct, _correlation(_details(a)[inner], _details(placed)[inner]))


def _grey(image: Array) -> Array:
    grey = cv2.cvtColor(np.ascontiguousarray(image[..., :3]), cv2.COLOR_RGB2GRAY) if image.shape[2] in (3, 4) else image[..., 0]
    return np.asarray(cv2.resize(np.ascontiguousarray(grey), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.float32)


def _details(grey: Array) -> Array:
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), DETAIL))


def _correlation(a: Array, b: Array) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).sum() / max(float(np.sqrt((a * a).sum() * (b * b).sum())), 1e-6))


def _unit(rows: Array) -> Array:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6))
