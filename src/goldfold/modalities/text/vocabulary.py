"""The words and n-grams learned from texts, and how many texts have them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.text.settings import TextModelConfig

UNKNOWN = 1
FIRST = 2
"""The id of the first word; 0 is padding."""
MOST_WORDS, MOST_NGRAMS = 50_000, 200_000
MAX_LENGTH = 256


def words_spec(model: TextModelConfig, texts: Sequence[str]) -> dict[str, Any]:
    """Return the words of at least model.min_count texts, in alphabetical order, and how a text is split into words."""
    options = {"lowercase": model.lowercase, "token_pattern": model.token_pattern}
    words, _ = _counted(model, texts, options, MOST_WORDS)
    return {"read": "words", "max_length": model.max_length or MAX_LENGTH, **options, "words": words}


def word_ids(texts: Sequence[str], spec: Mapping[str, Any]) -> list[Array]:
    """Return the ids of each text's words, (length,) int32: FIRST + the index in the spec's words, else UNKNOWN; never empty."""
    from sklearn.feature_extraction.text import CountVectorizer

    split = CountVectorizer(lowercase=spec["lowercase"], token_pattern=spec["token_pattern"]).build_analyzer()
    ids = {word: number for number, word in enumerate(spec["words"], start=FIRST)}
    most = spec["max_length"]
    return [np.array([ids.get(word, UNKNOWN) for word in split(text)[:most]] or [UNKNOWN], np.int32) for text in texts]


def ngrams_spec(model: TextModelConfig, texts: Sequence[str]) -> dict[str, Any]:
    """Return the word and character n-grams of at least model.min_count texts, and how many texts have each."""
    kinds = []
    if model.word_ngrams:
        kinds.append({"analyzer": "word", "token_pattern": model.token_pattern, "ngram_range": list(model.word_ngrams)})
    if model.char_ngrams:
        kinds.append({"analyzer": "char_wb", "ngram_range": list(model.char_ngrams)})
    ngrams = []
    for kind in kinds:
        options = {"lowercase": model.lowercase, **kind}
        terms, counts = _counted(model, texts, options, MOST_NGRAMS)
        ngrams.append({"options": options, "terms": terms, "texts": counts})
    return {"read": "bytes", "max_length": model.max_length, "learned_from": len(texts), "ngrams": ngrams}


def vectorizers(spec: Mapping[str, Any]) -> list[Any]:
    """Return a TfidfVectorizer, with 1 + log(count) for a count, for each kind of n-grams that the spec has learned."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    built = []
    for kind in spec["ngrams"]:
        options = {**kind["options"], "ngram_range": tuple(kind["options"]["ngram_range"])}
        vectorizer = TfidfVectorizer(**options, vocabulary=kind["terms"], sublinear_tf=True, dtype=np.float32)
        vectorizer.idf_ = (np.log((1 + spec["learned_from"]) / (1 + np.array(kind["texts"]))) + 1).astype(np.float32)
        built.append(vectorizer)
    return built


def _counted(model: TextModelConfig, texts: Sequence[str], options: Mapping[str, Any], most: int) -> tuple[list[str], list[int]]:
    """Return the terms of the texts in alphabetical order, and the number of texts that have each."""
    from sklearn.feature_extraction.text import CountVectorizer

    options = {**options, "ngram_range": tuple(options.get("ngram_range", (1, 1)))}
    try:
        counter = CountVectorizer(**options, binary=True, min_df=model.min_count, max_features=model.vocabulary_size or most)
        counts = counter.fit_transform(texts)
    except (ValueError, re.error) as error:
        raise InputError(
            f"params.yaml, model: no vocabulary can be learned from {len(texts)} texts: {error}",
            mend="correct model.token_pattern, the n-grams, or lower model.min_count",
        ) from error
    return counter.get_feature_names_out().tolist(), np.asarray(counts.sum(axis=0)).ravel().tolist()
