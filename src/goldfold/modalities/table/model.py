"""Models of tables: an MLP over numbers and embedded categories, estimators, or the competitor's own."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.imports import called, named, nearest, require_trusted, trusted
from goldfold.modalities.boosting import monotone, native_categories, with_categories
from goldfold.modalities.estimator import Estimator, find_model
from goldfold.modalities.protocol import Inputs
from goldfold.modalities.table.encoding import Encoding, number_places, sizes
from goldfold.modalities.table.settings import TableModelConfig

ONE_HOT = {"linear_model", "svm", "neighbors", "neural_network", "gaussian_process", "naive_bayes"}
"""The modules of scikit-learn whose estimators would take the codes of categories for amounts."""


class TableModel(nn.Module):
    """An MLP, from `numbers` (b, numbers) float32 and `categories` (b, categories) int64 to logits (b, outputs)."""

    def __init__(self, numbers: int, categories: tuple[int, ...], config: TableModelConfig, outputs: int) -> None:
        super().__init__()
        self.backbone = TableBackbone(numbers, categories, config)
        self.num_features = self.backbone.num_features
        self.head = nn.Linear(self.num_features, outputs)
        if config.output_init:
            _initialise(self.head, config.output_init, "model.output_init")

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(numbers, categories))
        return logits

    def features(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        """What the head reads, (b, num_features)."""
        features: torch.Tensor = self.backbone(numbers, categories)
        return features


class TableBackbone(nn.Module):
    """Periodic embeddings of the numbers, an embedding for each category, and the hidden layers over them all."""

    def __init__(self, numbers: int, categories: tuple[int, ...], config: TableModelConfig) -> None:
        super().__init__()
        self.periodic: nn.Module = nn.Identity()
        width = numbers
        if config.periodic and numbers:
            from rtdl_num_embeddings import PeriodicEmbeddings

            self.periodic = nn.Sequential(PeriodicEmbeddings(numbers, config.periodic, lite=False), nn.Flatten())
            width = numbers * config.periodic
        self.embeddings = nn.ModuleList(nn.Embedding(size, embedding_width(size)) for size in categories)
        width += sum(embedding_width(size) for size in categories)
        layers: list[nn.Module] = []
        for hidden in config.hidden:
            linear = nn.Linear(width, hidden)
            if config.hidden_init:
                _initialise(linear, config.hidden_init, "model.hidden_init")
            norm = [nn.BatchNorm1d(hidden)] if config.batch_norm else []
            activation: nn.Module = called(
                trusted(config.activation, ["torch.nn"], "model.activation", nn.Module), "model.activation"
            )
            layers += [linear, *norm, activation, *([nn.Dropout(config.dropout)] if config.dropout else [])]
            width = hidden
        self.layers = nn.Sequential(*layers)
        self.num_features = width

    def forward(self, numbers: torch.Tensor, categories: torch.Tensor) -> torch.Tensor:
        parts = [embed(categories[:, place]) for place, embed in enumerate(self.embeddings)]
        # Without categories it is no columns at all, but torch.export loses an input that is not used.
        parts = [self.periodic(numbers) if numbers.shape[1] else numbers, *(parts or [categories.float()])]
        features: torch.Tensor = self.layers(torch.cat(parts, dim=1))
        return features


def embedding_width(values: int) -> int:
    """The width of a category's embedding, by fastai's rule: 1.6 times the number of values to the power of 0.56, at most 600."""
    return int(min(600, round(1.6 * values**0.56)))


class TableEstimator(Estimator):
    """An estimator that reads the numbers, then the codes of the categories, or one column for each of their values.

    With model.native_categories it reads a frame in which the codes are categories.
    """

    def __init__(self, estimator: Any, problem: Problem, categories: tuple[int, ...], model: TableModelConfig) -> None:
        super().__init__(estimator, problem)
        self.early_stopping = model.early_stopping
        kind = type(estimator).__module__.split(".")[1:2]
        self.one_hot = categories if kind and kind[0] in ONE_HOT else ()
        self.native = categories if model.native_categories else ()

    def matrix(self, inputs: Inputs) -> Any:
        """The columns side by side, (b, columns) float32."""
        numbers, codes = inputs["numbers"].numpy(), inputs["categories"].numpy()
        if self.native:
            return with_categories(numbers, codes, self.native)
        if not self.one_hot:
            return np.hstack([numbers, codes.astype(np.float32)])
        values = [np.eye(size, dtype=np.float32)[codes[:, place]] for place, size in enumerate(self.one_hot)]
        return np.hstack([numbers, *values])


def build_model(
    model: TableModelConfig,
    spec: Mapping[str, Any],
    problem: Problem,
    pretrained: bool,
    noted: Callable[[str], None] = lambda _: None,
) -> nn.Module:
    """Build `model.name`; raises InputError for an unknown name and refused arguments."""
    numbers, categories = sizes(spec)
    outputs = len(problem.outputs)
    if model.name == "mlp":
        return TableModel(numbers, categories, model, outputs)
    found = find_model(model.name, problem)
    if isinstance(found, type) and issubclass(found, nn.Module):
        own: nn.Module = called(found, "model", numbers, categories, outputs, **model.args)
        return _fitting(own, numbers, categories, outputs, model.name)
    args = dict(model.args)
    if found.__name__.startswith("HistGradientBoosting"):
        # Codes are categories to it, where it can hold them all.
        places = [numbers + place for place, size in enumerate(categories) if size <= 255]
        args.setdefault("categorical_features", places or None)
    if found.__name__ == "LogisticRegression":
        args.setdefault("max_iter", 1000)
    estimator = called(found, "model.args", **args)
    if model.monotone:
        estimator.set_params(**monotone(estimator, _places(spec, model.monotone), numbers + len(categories)))
    if model.native_categories:
        estimator.set_params(**native_categories(estimator, range(numbers, numbers + len(categories))))
    return TableEstimator(estimator, problem, categories, model)


def _places(encoding: Encoding, directions: Mapping[str, int]) -> dict[int, int]:
    """The direction at the place of each of these columns among the numbers; raises InputError for what is no number."""
    places = number_places(encoding)
    unknown = [name for name in directions if name not in places]
    if unknown:
        raise InputError(
            "params.yaml, model.monotone: these are not among the columns of numbers",
            [f"{name}{nearest(name, list(places))}" for name in unknown],
            mend="name columns that prepare shows as numbers",
        )
    return {places[name]: direction for name, direction in directions.items()}


@torch.no_grad()
def _fitting(own: nn.Module, numbers: int, categories: tuple[int, ...], outputs: int, name: str) -> nn.Module:
    """The competitor's own module, if it makes logits of a row."""
    rows = {"numbers": torch.zeros(2, numbers), "categories": torch.zeros(2, len(categories), dtype=torch.int64)}
    try:
        shape = tuple(own.eval()(**rows).shape)
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        raise InputError(
            f"params.yaml, model: {name} does not take numbers (b, {numbers}) and categories (b, {len(categories)}): {error}",
            mend="give its forward the arguments numbers and categories",
        ) from error
    if shape != (2, outputs):
        raise InputError(
            f"params.yaml, model: {name} gives {shape} for two rows, not (2, {outputs})",
            mend="its class is called with (numbers, categories, outputs): use outputs for the last layer",
        )
    return own


def _initialise(linear: nn.Linear, name: str, key: str) -> None:
    """Draw a layer's weights by a function of torch.nn.init, and set its bias to zero."""
    require_trusted(name, key)
    called(named(name, ["torch.nn.init"], key), key, linear.weight)
    nn.init.zeros_(linear.bias)
