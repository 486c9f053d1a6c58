"""Duplicate images: candidate pairs by a perceptual hash, each confirmed by its pixels."""

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
"""The deviation, in pixels of SIDE, of the Gaussian blur that is subtracted: light and colour differ between copies."""
STOP = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 30, 1e-4)
"""When alignment ends: the number of steps, and the least change of the correlation."""
OVERLAP = 0.6
"""The least share of an image that the aligned other one covers, for them to be compared."""
BACKGROUND = 200
"""The number of images whose nearest neighbours show how alike images of the set usually are."""
OUTSTANDING = 7.0
"""Robust standard deviations by which a pair has to be more alike than nearest neighbours usually are."""
LOWEST, HIGHEST = 0.6, 0.99
"""Pairs above HIGHEST are copies in any set, pairs below LOWEST in none."""


def find_alike(competition: Competition, config: ImagePrepareConfig, folder: Path) -> pd.DataFrame:
    """Find the pairs of equal or nearly equal images, also mirrored, confirmed by their pixels."""
    return alike_images(ImageCache.load(folder))


def alike_images(images: ImageCache) -> pd.DataFrame:
    """Return the confirmed pairs of the images of a cache: exact (the same file or pixels), near or mirrored.

    A pair is near if its details, whatever the light, correlate OUTSTANDING deviations more than those of images that merely
    look alike. A crop or shift is undone first.
    """
    files = images.index["file"].to_numpy()
    read = np.flatnonzero(files != "")
    first, second = equal_rows(files[read])
    same = pairs_table(read[first], read[second])
    distinct = np.setdiff1d(read, read[second])
    vectors = _vectors(images.sketches[distinct, len(STATISTICS) :])
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        least = _threshold(_background(images, vectors, distinct, pool))
        one, other, mirrored = _most_alike(vectors).T
        first, second = distinct[one], distinct[other]
        measure = partial(_likeness, images, least)
        likeness = np.array(list(pool.map(measure, first, second, mirrored)))
    confirmed = np.flatnonzero(likeness >= least)
    equal = [not mirrored[at] and np.array_equal(images[first[at]], images[second[at]]) for at in confirmed]
    how = ["exact" if same else "mirrored" if mirrored[at] else "near" for at, same in zip(confirmed, equal, strict=True)]
    near = pairs_table(first[confirmed], second[confirmed], how, np.where(equal, 1, likeness[confirmed]))
    return pd.concat([same, near]).sort_values(["first", "second"], ignore_index=True)


def _vectors(frequencies: Array) -> Array:
    """Return unit vectors of images' FREQUENCIES, (n, 63) float32, whose dot product is a first estimate of the likeness.

    Frequencies are scaled to the same variance over the images and their mirrors; an image without contrast becomes 0.
    """
    empty = ~frequencies.any(axis=1)
    vectors = _unit(frequencies)
    # The mean over images and mirrors is 0 for a frequency that changes its sign when mirrored.
    count = max(len(vectors), 1)
    vectors -= vectors.sum(axis=0) / count * (MIRROR > 0)
    vectors /= np.maximum(np.sqrt(np.einsum("ij,ij->j", vectors, vectors) / count), 1e-6)
    vectors = _unit(vectors)
    vectors[empty] = 0
    return vectors


def _most_alike(vectors: Array) -> Array:
    """Return the pairs to compare, the most alike first, and whether the second image is mirrored, (n, 3) int.

    Memory is bounded: no more pairs are held while candidates come in than are returned.
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
        # Each image is compared with a few others at most.
        ends = pd.DataFrame({"one": codes // (2 * count), "other": codes % count})
        few = ((ends.groupby("one").cumcount() < PER_IMAGE) | (ends.groupby("other").cumcount() < PER_IMAGE)).to_numpy()
        codes, alike = codes[few][:most], alike[few][:most]
        least = alike[-1] if len(alike) == most else LEAST_LIKE
    return np.stack([codes // (2 * count), codes % count, codes // count % 2], axis=1)


def _codes(pairs: Array, count: int) -> Array:
    """Return each pair of images, of which those from `count` on are mirrors, as one number, the lower image not mirrored."""
    one, other = pairs.min(axis=1), pairs.max(axis=1)
    kept = (one < count) & (one != other % count)
    one, other = one[kept], other[kept]
    swap = one > other % count
    one, other = np.where(swap, other % count, one), np.where(swap, one + count, other)
    return np.asarray(one * (2 * count) + other)


def _products(vectors: Array, codes: Array, block: int = 1 << 14) -> Array:
    """Return the dot product of each pair's vectors, (n,) float32."""
    count = len(vectors)
    products = np.empty(len(codes), np.float32)
    for start in range(0, len(codes), block):
        one, other = np.divmod(codes[start : start + block], 2 * count)
        first, second = vectors[one], vectors[other % count]
        mirrored = other >= count
        second[mirrored] *= MIRROR
        products[start : start + block] = np.einsum("ij,ij->i", first, second)
    return products


def _directions(count: int) -> Array:
    """Return random directions, (63, count), the same each time."""
    return np.random.default_rng(0).normal(size=(len(FREQUENCIES), count)).astype(np.float32)


def _keys(vectors: Array) -> Iterator[Array]:
    """Yield TABLES hashes, (2 n,), of the images and then of their mirrors, which near vectors are likely to share.

    A hash is the sides of random planes on which a vector lies.
    """
    bits = max(8, int(np.ceil(np.log2(max(len(vectors), 2)))) + 2)
    planes = _directions(1 + TABLES * bits)[:, 1:].reshape(-1, TABLES, bits)
    powers = 1 << np.arange(bits, dtype=np.int64)
    for table in range(TABLES):
        sides = [vectors @ planes[:, table] > 0, vectors @ (planes[:, table] * MIRROR[:, None]) > 0]
        yield np.concatenate([side @ powers for side in sides])


def _background(images: ImageCache, vectors: Array, rows: Array, pool: ThreadPoolExecutor) -> Array:
    """Return the likeness of BACKGROUND of the images, evenly chosen, to their nearest neighbours."""
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(BACKGROUND, len(rows))).astype(int))
    nearest = []
    for one in chosen:
        alike = vectors @ vectors[one]
        alike[one] = -1
        nearest.append(alike.argmax())
    measure = partial(_likeness, images, 1.0)
    return np.array(list(pool.map(measure, rows[chosen], rows[nearest], np.zeros(len(chosen), int))))


def _threshold(usual: Array) -> float:
    """Return how alike a pair must be to stand out from the `usual` likenesses."""
    if not len(usual):
        return HIGHEST
    stretched = np.arctanh(np.clip(usual, 0, 0.9999))
    median = float(np.median(stretched))
    deviation = max(1.4826 * float(np.median(np.abs(stretched - median))), 0.05)
    return float(np.clip(np.tanh(median + OUTSTANDING * deviation), LOWEST, HIGHEST))


def _likeness(images: ImageCache, enough: float, one: int, other: int, mirrored: int) -> float:
    """Return the correlation of two images' details, after an affine alignment where it is below `enough` without."""
    a, b = _grey(images[one]), _grey(images[other][:, :: -1 if mirrored else 1])
    direct = _correlation(_details(a), _details(b))
    if direct >= enough or (direct < 0 and not _correlation(a, b) > 0):
        return direct
    try:
        _, warp = cv2.findTransformECC(a, b, np.eye(2, 3, dtype=np.float32), cv2.MOTION_AFFINE, STOP, None, 3)
    except cv2.error:
        return direct
    aligned = cv2.warpAffine(b, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    covered = cv2.warpAffine(np.ones_like(b), warp, (SIDE, SIDE), flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    inner = cv2.erode(covered, np.ones((5, 5), np.uint8)) > 0
    if inner.mean() < OVERLAP:
        return direct
    return max(direct, _correlation(_details(a)[inner], _details(aligned)[inner]))


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
