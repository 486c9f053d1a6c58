"""Duplicate texts: of the same words, or of nearly the same parts in the same order."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from goldfold.competition import Competition
from goldfold.metrics import Array
from goldfold.modalities.candidate_pairs import candidates
from goldfold.modalities.text.prepare import kept_texts, texts_of
from goldfold.modalities.text.settings import TextPrepareConfig
from goldfold.prepare.duplicates import equal_rows, pairs_table

LINK, WORD = re.compile(r"https?://\S+"), re.compile(r"\w+")
FEWEST_WORDS = 5
"""Shorter texts are compared for equality alone: many are nearly the same by chance."""
PART = 5
"""The length in characters of the parts that are compared."""
NEAR = 0.8
"""The least share of common parts (Jaccard) of texts that are nearly the same."""
IN_ORDER = 0.6
"""The least share of common pairs of neighbouring words of such texts."""
BANDS, ROWS = 16, 4
"""Min-hashing (Broder 1997): two NEAR texts share one of BANDS hashes, of ROWS minima each, with a probability of 99.98 %."""


def find_alike(competition: Competition, config: TextPrepareConfig, folder: Path) -> pd.DataFrame:
    """Find the pairs of duplicate texts."""
    kept = kept_texts(folder)
    return alike_texts([*texts_of(competition.train, kept), *texts_of(competition.test, kept)])


def alike_texts(texts: Sequence[str]) -> pd.DataFrame:
    """Return the pairs of texts that are exact (equal but for case, punctuation and links) or near, compared by all parts."""
    words = pd.Series([_words(text) for text in texts], dtype="object")
    filled = np.flatnonzero((words != "").to_numpy())
    first, second = equal_rows(words.to_numpy()[filled])
    same = pairs_table(filled[first], filled[second])
    distinct = np.setdiff1d(filled, filled[second])
    near = _near(words.iloc[distinct])
    return pd.concat([same, near]).sort_values(["first", "second"], ignore_index=True)


def _words(text: str) -> str:
    """Return a text's words, separated by spaces."""
    return " ".join(WORD.findall(LINK.sub(" ", unicodedata.normalize("NFKC", text).casefold())))


def _near(texts: pd.Series) -> pd.DataFrame:
    """Return the near pairs of distinct texts, indexed by their rows."""
    texts = texts[texts.str.count(" ") >= FEWEST_WORDS - 1]
    if len(texts) < 2:
        return pairs_table([], [])
    parts = _sets(texts, analyzer="char_wb", ngram_range=(PART, PART))
    hashed = candidates(_keys(parts.indices, parts.indptr).T, np.diff(parts.indptr))
    pairs = np.unique(np.sort(np.concatenate([np.empty((0, 2), np.int64), *hashed]), axis=1), axis=0)
    share = _shared(parts, pairs)
    pairs, share = pairs[share >= NEAR], share[share >= NEAR]
    in_order = _shared(_sets(texts, analyzer="word", ngram_range=(2, 2), token_pattern=r"\S+"), pairs) >= IN_ORDER
    rows = texts.index.to_numpy()[pairs[in_order]]
    return pairs_table(rows[:, 0], rows[:, 1], "near", share[in_order])


def _sets(texts: pd.Series, **parts: Any) -> Any:
    """Return which parts each text has, hashed, as a sparse matrix of 0 and 1."""
    from sklearn.feature_extraction.text import HashingVectorizer

    sets = {"n_features": 2**22, "binary": True, "norm": None, "alternate_sign": False, "dtype": np.float32}
    return HashingVectorizer(**sets, **parts).transform(texts)


def _shared(sets: Any, pairs: Array) -> Array:
    """Return the share of the parts of each pair of texts that both have (Jaccard)."""
    sizes = np.diff(sets.indptr)
    common = np.asarray(sets[pairs[:, 0]].multiply(sets[pairs[:, 1]]).sum(axis=1)).ravel()
    return np.asarray(common / np.maximum(sizes[pairs].sum(axis=1) - common, 1))


def _keys(parts: Array, starts: Array) -> Array:
    """Return a hash of each text for each band, (texts, BANDS), of its first parts by ROWS random orders of all parts."""
    draws = np.random.default_rng(0).integers(1, 2**63, (BANDS, ROWS, 2), dtype=np.uint64) | np.uint64(1)
    parts = parts.astype(np.uint64)
    keys = np.zeros((len(starts) - 1, BANDS), np.uint64)
    for band, orders in enumerate(draws):
        for factor, more in orders:
            least = np.minimum.reduceat((parts * factor + more) >> np.uint64(16), starts[:-1])
            keys[:, band] = keys[:, band] * np.uint64(0x9E3779B97F4A7C15) + least
    return keys
