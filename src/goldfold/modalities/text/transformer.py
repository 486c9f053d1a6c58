"""Pretrained transformers of Hugging Face, by name or from a folder; the library is an optional extra.

The checkpoint keeps the tokeniser and the config, so that it needs neither hub nor folder again.
"""

import importlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.metrics import Array
from goldfold.modalities.hub import require_answer
from goldfold.modalities.packages import PREFIX, require_weights
from goldfold.modalities.text.settings import TextModelConfig
from goldfold.modalities.text.vocabulary import MAX_LENGTH

NEEDED = (("config.json",), ("tokenizer.json",), ("model.safetensors", "model.safetensors.index.json"))
WAYS_OUT = (
    "go online once: the model is downloaded and kept in the hub's cache; or copy its folder here (config.json, tokenizer.json, "
    "model.safetensors) and name that in model.weights; or choose model.name: bilstm or tfidf"
)


def subwords_spec(model: TextModelConfig) -> dict[str, Any]:
    """Return the transformer's tokeniser and config, as JSON; raises InputError where they cannot be loaded."""
    source, local = _source(model)
    with _loading(model.weights):
        transformers = _library("transformers")
        tokenizer = transformers.AutoTokenizer.from_pretrained(source, local_files_only=local)
        config = transformers.AutoConfig.from_pretrained(source, local_files_only=local)
    own = {} if model.reader else model.args
    for name in own:
        if not hasattr(config, name):
            close = nearest(name, list(config.to_dict()))
            raise InputError(f"params.yaml, model.args: the config of {model.weights} has no {name}{close}", mend="correct it")
    config.update(own)
    if not tokenizer.is_fast:
        raise InputError(f"{model.weights} has no tokenizer.json", mend="name a model whose tokeniser is one of tokenizers")
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    most = min(tokenizer.model_max_length, getattr(config, "max_position_embeddings", None) or tokenizer.model_max_length)
    backend.enable_truncation(min(model.max_length or MAX_LENGTH, int(most)))
    settings = json.loads(config.to_json_string(use_diff=False))
    settings.pop("_name_or_path", None)
    return {"read": "subwords", "tokenizer": json.loads(backend.to_str()), "config": settings}


def subword_ids(texts: Sequence[str], spec: Mapping[str, Any]) -> list[Array]:
    """Return the tokeniser's ids of each text plus 1, (length,) int32, as 0 is padding."""
    tokenizer = _library("tokenizers").Tokenizer.from_str(json.dumps(spec["tokenizer"]))
    return [np.array(encoding.ids or [0], np.int32) + 1 for encoding in tokenizer.encode_batch(list(texts))]


class Transformer(nn.Module):
    """A transformer, from tokens (b, length), the tokeniser's ids plus 1, to states (b, length, width)."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.width = int(network.config.hidden_size)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = (tokens > 0).long()
        states: torch.Tensor = self.network(input_ids=(tokens - 1).clamp(min=0), attention_mask=mask).last_hidden_state
        return states


def build_transformer(
    model: TextModelConfig, spec: Mapping[str, Any], pretrained: bool, note: Callable[[str], None]
) -> Transformer:
    """Build the transformer of the spec's config, with `pretrained` from its weights, which are safetensors.

    Raises InputError where they cannot be loaded.
    """
    transformers = _library("transformers")
    if kernels := [str(value) for key, value in spec["config"].items() if "attn_implementation" in key and "/" in str(value)]:
        raise InputError("the transformer's config names code on a hub", kernels, "leave its attn_implementation out")
    config = transformers.AutoConfig.for_model(**spec["config"])
    if not pretrained:
        return Transformer(transformers.AutoModel.from_config(config, trust_remote_code=False).float())
    source, local = _source(model)
    note(f"weights: {model.weights}, {'from this machine' if local else 'downloading'}")
    with _loading(model.weights):
        options = {"config": config, "use_safetensors": True, "dtype": torch.float32}
        return Transformer(transformers.AutoModel.from_pretrained(source, local_files_only=local, **options))


def _source(model: TextModelConfig) -> tuple[str, bool]:
    """Return the folder or name to load from, and whether it is on this machine; raises InputError where there is neither."""
    weights = str(model.weights)
    _library("transformers")
    if weights.startswith(PREFIX):
        return str(require_weights(weights)), True
    if Path(weights).is_dir():
        missing = [" or ".join(files) for files in NEEDED if not any((Path(weights) / file).is_file() for file in files)]
        if missing:
            raise InputError(
                f"params.yaml, model.weights: the folder {weights} lacks files of a transformer",
                missing,
                "save it by save_pretrained, the model and its tokeniser",
            )
        return weights, True
    if weights.startswith((".", "/", "~")) or weights.count("/") > 1:
        raise InputError(f"params.yaml, model.weights: there is no folder {weights}", mend="correct the path")
    from huggingface_hub import try_to_load_from_cache

    if all(any(isinstance(try_to_load_from_cache(weights, file), str) for file in files) for files in NEEDED):
        return weights, True
    require_answer(weights, None, WAYS_OUT)
    return weights, False


@contextmanager
def _loading(weights: str | None) -> Iterator[None]:
    """Silence the library's progress bars and turn its exceptions into InputError."""
    logging = _library("transformers").utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:  # transformers raises errors of many kinds
        first = next(iter(str(error).strip().splitlines()), repr(error))
        raise InputError(f"the transformer {weights} cannot be loaded: {first}", mend=WAYS_OUT) from error


def _library(name: str) -> Any:
    """Import the library `name`; raises InputError where the extra is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(
            f"params.yaml, model.name: a transformer needs the library {name}, which is not installed",
            mend="pip install -r requirements-transformers.txt",
        ) from None
