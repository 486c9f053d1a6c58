"""Views of texts: batches of tokens or of UTF-8 bytes, padded with 0 to the longest of the batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch.nn.utils.rnn import pad_sequence

from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.metrics import Array
from goldfold.modalities.protocol import Inputs, Key
from goldfold.modalities.text.model import build_model
from goldfold.modalities.text.prepare import kept_texts, texts_of
from goldfold.modalities.text.settings import TextModelConfig
from goldfold.modalities.text.transformer import subword_ids, subwords_spec
from goldfold.modalities.text.vocabulary import UNKNOWN, ngrams_spec, word_ids, words_spec
from goldfold.prepare import PreparedSet
from goldfold.prepare.prepared_set import Part

__all__ = ["build_model", "input_spec", "plain_view", "training_view"]


def input_spec(model: TextModelConfig, prepared: PreparedSet, rows: Array) -> dict[str, Any]:
    """Return the columns and how a text becomes numbers, learned from these training rows or from all texts."""
    kept = kept_texts(prepared.folder)
    spec = {"columns": kept["columns"], "separator": kept["separator"]}
    if model.starts_pretrained:
        return {**spec, **subwords_spec(model)}
    learned_from = prepared.train.iloc[rows]
    if kept["vocabulary"] == "all":
        learned_from = pd.concat([table[kept["columns"]] for table in (prepared.train, prepared.test)])
    learn = ngrams_spec if model.name == "tfidf" else words_spec
    return {**spec, **learn(model, texts_of(learned_from, spec))}


class TextView:
    """Texts as `tokens`, (b, length) int64, or `text`, (b, length) uint8, padded with 0.

    In each epoch a share `dropped` of a text's words is made unknown, drawn by (seed, epoch, row).
    """

    lengths: Array

    def __init__(self, texts: Sequence[str], spec: Mapping[str, Any], dropped: float = 0.0, seed: int = 0) -> None:
        coded = encode(texts, spec)
        self.name, self.dropped, self.seed = "text" if spec["read"] == "bytes" else "tokens", dropped, seed
        self.lengths = np.array([len(text) for text in coded])
        self.starts = np.cumsum(self.lengths) - self.lengths
        self.coded = torch.from_numpy(np.concatenate(coded))

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        batch = pad_sequence([self._row(epoch, row) for epoch, row in keys], batch_first=True)
        return torch.tensor([row for _, row in keys]), {self.name: batch if self.name == "text" else batch.long()}

    def _row(self, epoch: int, row: int) -> torch.Tensor:
        start, length = self.starts[row], self.lengths[row]
        coded = self.coded[start : start + length]
        if not self.dropped:
            return coded
        drawn = np.random.default_rng([self.seed, epoch, row]).random(length) < self.dropped
        return coded.masked_fill(torch.from_numpy(drawn), UNKNOWN)


def encode(texts: Sequence[str], spec: Mapping[str, Any]) -> list[Array]:
    """Return each text as the model reads it: ids of words or subwords, (length,) int32, or UTF-8 bytes, (length,) uint8."""
    if spec["read"] == "words":
        return word_ids(texts, spec)
    if spec["read"] == "subwords":
        return subword_ids(texts, spec)
    contents = [text[: spec["max_length"]].encode("utf-8", "replace") for text in texts]
    return [np.frombuffer(content, np.uint8) for content in contents]


def training_view(
    prepared: PreparedSet, _: Array, spec: Mapping[str, Any], augment: Sequence[Component], seed: int, epochs: int
) -> TextView:
    """Return the training texts; raises InputError for more than one WordDropout, and for one without its p."""
    dropped: list[Any] = [component.args.get("p") for component in augment]
    if len(dropped) > 1 or not all(isinstance(p, float) and 0 < p < 1 for p in dropped):
        raise InputError(
            "params.yaml, augment: texts take one WordDropout, with the share of words that it drops",
            [f"{component.name} {component.args or ''}" for component in augment],
            "set augment: [{name: WordDropout, p: 0.1}], or augment: []",
        )
    return TextView(texts_of(prepared.train, spec), spec, dropped[0] if dropped else 0.0, seed)


def plain_view(prepared: PreparedSet, part: Part, spec: Mapping[str, Any], change: Component | None = None) -> TextView:
    """Return a table's texts; test-time augmentation has no change for them."""
    return TextView(texts_of(prepared.table(part), spec), spec)
