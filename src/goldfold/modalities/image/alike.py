"""Images that are the same: candidates by a perceptual hash, each confirmed by its pixels."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.modalities.candidate_pairs import candidates
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.modalities.image.sketches import FREQUENCIES, MIRROR, STATISTICS
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


def find_alike(competition: Competition, config: ImagePrepareConfig, folder: Path) -> pd.DataFrame:
    """Find the images that are the same or nearly, also turned left to right, confirmed by their pixels."""
    return alike_images(ImageCache.load(folder))


def alike_images(images: ImageCache) -> pd.DataFrame:
    """The confirmed pairs of the images of a cache: exact (the same file or pixels), near or mirrored.

    A pair is near where its details, above all differences in light, go together as they do in no pair of images that merely
    look alike: by `OUTSTANDING` deviations, aligned where one is cropped or shifted.
    """
    files = images.index["file"].to_numpy()
    read = np.flatnonzero(files != "")
    first, second = equal_rows(files[read])
    same = pairs_table(read[first], read[second])
    distinct = np.setdiff1d(read, read[second])
    vectors = _vectors(images.sketches[distinct, len(STATISTICS) :])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        least = _bar(_usual(images, vectors, distinct, pool))
        one, other, turned = _looked_at(vectors).T
        first, second = distinct[one], distinct[other]
        look = partial(_likeness, images, least)
        likeness = np.array(list(pool.map(look, first, second, turned)))
    confirmed = np.flatnonzero(likeness >= least)
    equal = [not turned[at] and np.array_equal(images[first[at]], images[second[at]]) for at in confirmed]
    how = ["exact" if same else "mirrored" if turned[at] else "near" for at, same in zip(confirmed, equal, strict=True)]
    near = pairs_table(first[confirmed], second[confirmed], how, np.where(equal, 1, likeness[confirmed]))
    return pd.concat([same, near]).sort_values(["first", "second"], ignore_index=True)


def _vectors(frequencies: Array) -> Array:
    """Unit vectors, (n, 63) float32, whose product is how alike two images are at a first look, of their FREQUENCIES.

    Each frequency weighs what it tells of this set's images, turned or not; an image without any contrast is like none.
    """
    empty = ~frequencies.any(axis=1)
    vectors = _unit(frequencies)
    # What changes its sign when an image is turned is 0 in the mean of all images and all turned ones.
    count = max(len(vectors), 1)
    vectors -= vectors.sum(axis=0) / count * (MIRROR > 0)
    vectors /= np.maximum(np.sqrt(np.einsum("ij,ij->j", vectors, vectors) / count), 1e-6)
    vectors = _unit(vectors)
    vectors[empty] = 0
    return vectors


def _looked_at(vectors: Array) -> Array:
    """The pairs that are worth a look, the most alike first, and whether the second image is turned, (n, 3) int.

    What is alike is kept as it is found, never more than that many pairs at once.
    """
    count = len(vectors)
    most = max(AT_LEAST, count // 10)
    codes, alike, least = np.empty(0, np.int64), np.empty(0, np.float32), LEAST_LIKE
    direction = _directions(1)[:, 0]
    for pairs in candidates(_keys(vectors), np.concatenate([vectors @ direction, vectors @ (MIRROR * direction)])):
        new = np.setdiff1d(_codes(pairs, count), codes)
        likeness = _products(vectors, new)
        better = likeness >= least
        if not better.any():
            continue
        codes, alike = np.concatenate([codes, new[better]]), np.concatenate([alike, likeness[better]])
        order = np.lexsort((codes, -alike))
        codes, alike = codes[order], alike[order]
        # Each image is compared with a few others at most, however many look like it.
        ends = pd.DataFrame({"one": codes // (2 * count), "other": codes % count})
        few = ((ends.groupby("one").cumcount() < PER_IMAGE) | (ends.groupby("other").cumcount() < PER_IMAGE)).to_numpy()
        codes, alike = codes[few][:most], alike[few][:most]
        least = alike[-1] if len(alike) == most else LEAST_LIKE
    return np.stack([codes // (2 * count), codes % count, codes // count % 2], axis=1)


def _codes(pairs: Array, count: int) -> Array:
    """Pairs of images, those from `count` on turned ones, as a number each: the lower image as it is, the other so or turned."""
    one, other = pairs.min(axis=1), pairs.max(axis=1)
    kept = (one < count) & (one != other % count)
    one, other = one[kept], other[kept]
    swap = one > other % count
    one, other = np.where(swap, other % count, one), np.where(swap, one + count, other)
    return np.asarray(one * (2 * count) + other)


def _products(vectors: Array, codes: Array, block: int = 1 << 14) -> Array:
    """How alike the images of each pair are, (n,) float32."""
    count = len(vectors)
    products = np.empty(len(codes), np.float32)
    for start in range(0, len(codes), block):
        one, other = np.divmod(codes[start : start + block], 2 * count)
        first, second = vectors[one], vectors[other % count]
        turned = other >= count
        second[turned] *= MIRROR
        products[start : start + block] = np.einsum("ij,ij->i", first, second)
    return products


def _directions(count: int) -> Array:
    """Random directions, (63, count), the same each time."""
    return np.random.default_rng(0).normal(size=(len(FREQUENCIES), count)).astype(np.float32)


def _keys(vectors: Array) -> Iterator[Array]:
    """For each of TABLES a number that near vectors are likely to share, (2 n,), of the images and then of the turned ones.

    It is on which sides of planes they lie.
    """
    bits = max(8, int(np.ceil(np.log2(max(len(vectors), 2)))) + 2)
    planes = _directions(1 + TABLES * bits)[:, 1:].reshape(-1, TABLES, bits)
    powers = 1 << np.arange(bits, dtype=np.int64)
    for table in range(TABLES):
        sides = [vectors @ planes[:, table] > 0, vectors @ (planes[:, table] * MIRROR[:, None]) > 0]
        yield np.concatenate([side @ powers for side in sides])


def _usual(images: ImageCache, vectors: Array, rows: Array, pool: ThreadPoolExecutor) -> Array:
    """The likeness of some of the images, evenly chosen, to the one that is most like each at a first look."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(BACKGROUND, len(rows))).astype(int))
    nearest = []
    for one in chosen:
        alike = vectors @ vectors[one]
        alike[one] = -1
        nearest.append(alike.argmax())
    look = partial(_likeness, images, 1.0)
    return np.array(list(pool.map(look, rows[chosen], rows[nearest], np.zeros(len(chosen), int))))


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
    return np.asarray(rows / np.maximum(np.sqrt(np.einsum("ij,ij->i", rows, rows)), 1e-6)[:, None])
