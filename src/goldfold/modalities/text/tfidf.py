"""An estimator of scikit-learn over the tf-idf of a text's n-grams."""

from collections.abc import Mapping
from typing import Any

import scipy.sparse
import torch

from goldfold.competition import Problem
from goldfold.imports import called
from goldfold.modalities.estimator import Estimator, find_model
from goldfold.modalities.protocol import Inputs
from goldfold.modalities.text.settings import TextModelConfig
from goldfold.modalities.text.vocabulary import vectorizers

DEFAULTS: dict[str, dict[str, Any]] = {"LogisticRegression": {"C": 5.0, "max_iter": 1000}}


class TfidfEstimator(Estimator):
    """An estimator that reads the tf-idf of n-grams, from `text` (b, length) uint8, UTF-8 padded with 0; see `ngrams_spec`."""

    def __init__(self, estimator: Any, problem: Problem, spec: Mapping[str, Any]) -> None:
        super().__init__(estimator, problem)
        self.vectorizers = vectorizers(spec)
        self._last: tuple[torch.Tensor, Any] | None = None

    def matrix(self, inputs: Inputs) -> Any:
        """Return the n-grams of all kinds, (b, n-grams) float32, sparse."""
        text = inputs["text"]
        # The texts of fit are predicted next, for the training loss.
        if self._last is None or self._last[0] is not text:
            self._last = text, self._matrix(text)
        return self._last[1]

    def _matrix(self, text: torch.Tensor) -> Any:
        texts = [row.tobytes().rstrip(b"\0").decode("utf-8", "replace") for row in text.numpy()]
        return scipy.sparse.hstack([vectorizer.transform(texts) for vectorizer in self.vectorizers], format="csr")


def build_tfidf(model: TextModelConfig, spec: Mapping[str, Any], problem: Problem) -> TfidfEstimator:
    """Build model.estimator over the n-grams of `spec`; raises InputError for an unknown name and refused arguments."""
    estimator = find_model(model.estimator, problem)
    args = {**DEFAULTS.get(estimator.__name__, {}), **model.args}
    return TfidfEstimator(called(estimator, "model.args", **args), problem, spec)
