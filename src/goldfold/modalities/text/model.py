"""Models of texts: a BiLSTM or a pretrained transformer with a head, an estimator over n-grams, or the competitor's own."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.imports import called, trusted
from goldfold.modalities.frozen import FrozenModel
from goldfold.modalities.head import build_head
from goldfold.modalities.text.settings import TextModelConfig
from goldfold.modalities.text.tfidf import build_tfidf
from goldfold.modalities.text.transformer import build_transformer
from goldfold.modalities.text.vocabulary import FIRST


class TextModel(nn.Module):
    """Backbone, pooling and head, from tokens (b, length) int64, padded with 0, to logits (b, outputs)."""

    def __init__(self, backbone: nn.Module, pool: nn.Module, head: nn.Module, num_features: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.pool = pool
        self.head = head
        self.num_features = num_features

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(tokens))
        return logits

    def features(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return what the head reads, (b, num_features)."""
        features: torch.Tensor = self.pool(self.backbone(tokens), tokens != 0)
        return features

    def depths(self, coarse: bool) -> dict[str, int]:
        """Return how deep each of the backbone's parameters lies: embeddings at 0, then layer by layer, then the rest."""
        names = [name for name, _ in self.backbone.named_parameters()]
        layers = {name: re.search(r"\.(\d+)\.", name) for name in names}
        last = max((int(number[1]) for number in layers.values() if number), default=0) + 1
        return {
            f"backbone.{name}": int(number[1]) + 1 if number else 0 if "embedding" in name else last
            for name, number in layers.items()
        }


class BiLSTM(nn.Module):
    """Word embeddings and layers of LSTMs in both directions, from tokens (b, length) to states (b, length, 2 * hidden).

    The backward LSTM starts at each text's own last word, so padding changes no state of a word. Packed sequences do the same
    and take over twice as long on a CPU.
    """

    def __init__(self, vocabulary: int, config: TextModelConfig) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, config.embedding, padding_idx=0)
        # Small, so that the few updates of a rare word outweigh its initial values.
        with torch.no_grad():
            self.embedding.weight.mul_(0.1)
        self.drop_channels = nn.Dropout1d(config.dropout)
        self.drop = nn.Dropout(config.dropout)
        widths = [config.embedding, *[2 * config.hidden] * (config.layers - 1)]
        self.forwards = nn.ModuleList(nn.LSTM(width, config.hidden, batch_first=True) for width in widths)
        self.backwards = nn.ModuleList(nn.LSTM(width, config.hidden, batch_first=True) for width in widths)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        position = torch.arange(tokens.shape[1], device=tokens.device)
        length = (tokens != 0).sum(dim=1, keepdim=True)
        reverse = torch.where(position < length, length - 1 - position, position)
        states: torch.Tensor = self.drop_channels(self.embedding(tokens).mT).mT
        for ahead, back in zip(self.forwards, self.backwards, strict=True):
            forward, _ = ahead(states)
            backward, _ = back(_reordered(states, reverse))
            states = self.drop(torch.cat([forward, _reordered(backward, reverse)], dim=2))
        return states


def _reordered(states: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    return states.gather(1, order[:, :, None].expand(-1, -1, states.shape[2]))


class Pooling(nn.Module):
    """From states (b, length, width) to features (b, width), over the tokens that `mask`, (b, length) bool, selects.

    `last` is the last token's state, with `both_ways` the state where each direction ends.
    """

    def __init__(self, how: str, width: int, both_ways: bool) -> None:
        super().__init__()
        self.how, self.both_ways = how, both_ways
        self.score: nn.Module | None = None
        if how == "attention":
            # Yang et al. 2016, https://aclanthology.org/N16-1174
            self.score = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))

    def forward(self, states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        states, mask = states.float(), mask[:, :, None]
        if self.score is not None:
            weights: torch.Tensor = self.score(states).float().masked_fill(~mask, float("-inf")).softmax(dim=1)
            return (weights * states).sum(dim=1)
        if self.how == "mean":
            return (states * mask).sum(dim=1) / mask.sum(dim=1)
        if self.how == "max":
            return states.masked_fill(~mask, float("-inf")).amax(dim=1)
        if self.how == "first":
            return states[:, 0]
        last = states.gather(1, (mask.sum(dim=1, keepdim=True) - 1).expand(-1, -1, states.shape[2]))[:, 0]
        half = states.shape[2] // 2
        return torch.cat([last[:, :half], states[:, 0, half:]], dim=1) if self.both_ways else last


def build_model(
    model: TextModelConfig,
    spec: Mapping[str, Any],
    problem: Problem,
    pretrained: bool,
    note: Callable[[str], None] = lambda _: None,
) -> nn.Module:
    """Build `model.name`; raises InputError for refused arguments and for pretrained weights that cannot be loaded."""
    outputs = len(problem.outputs)
    if model.name == "tfidf":
        return build_tfidf(model, spec, problem)
    if model.starts_pretrained:
        transformer = build_transformer(model, spec, pretrained, note)
        width = transformer.width
        pool = Pooling(model.pooling or "mean", width, both_ways=False)
        if model.reader:
            network = TextModel(transformer, pool, nn.Identity(), width)
            return FrozenModel(network, model.reader, problem, {"spec": spec, "pooling": model.pooling})
        built: nn.Module = TextModel(transformer, pool, build_head(model.head, width, outputs), width)
        vocabulary = 3
    else:
        vocabulary = FIRST + len(spec["words"])
        if model.name == "bilstm":
            width = 2 * model.hidden
            pool = Pooling(model.pooling or "max", width, both_ways=True)
            built = TextModel(BiLSTM(vocabulary, model), pool, build_head(model.head, width, outputs), width)
        else:
            built = called(trusted(model.name, [], "model.name", nn.Module), "model", vocabulary, outputs, **model.args)
    _require_logits(built, model.weights or model.name, outputs)
    return built


@torch.no_grad()
def _require_logits(built: nn.Module, name: str, outputs: int) -> None:
    """Raise InputError unless the network turns tokens into logits."""
    try:
        shape = tuple(built.eval()(tokens=torch.tensor([[2, 1, 2], [1, 0, 0]])).shape)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InputError(
            f"params.yaml, model: {name} does not take tokens (b, length): {str(error).splitlines()[0]}",
            mend="give its forward the argument tokens; of a transformer choose an encoder, such as distilbert-base-uncased",
        ) from error
    if shape != (2, outputs):
        raise InputError(
            f"params.yaml, model: {name} gives {shape} for two texts, not (2, {outputs})",
            mend="its class is called with (size of the vocabulary, outputs): use outputs for the last layer",
        )
