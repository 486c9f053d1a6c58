"""Pretrained weights: from a file in any of several namings, from the hub's local cache, or from the hub."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlparse

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from goldfold.errors import InputError
from goldfold.imports import refused
from goldfold.modalities.hub import ANSWER_WITHIN, answers, require_answer
from goldfold.modalities.image.torchvision_models import torchvision_backbone
from goldfold.modalities.packages import require_weights

TORCHVISION_VIT = (
    ("class_token", "cls_token"),
    ("conv_proj", "patch_embed.proj"),
    ("encoder.pos_embedding", "pos_embed"),
    ("encoder.layers.encoder_layer_", "blocks."),
    ("ln_1", "norm1"),
    ("ln_2", "norm2"),
    ("self_attention.in_proj_", "attn.qkv."),
    ("self_attention.out_proj", "attn.proj"),
    ("mlp.0", "mlp.fc1"),
    ("mlp.3", "mlp.fc2"),
    ("encoder.ln", "norm"),
    ("heads.head", "head"),
)
"""A vision transformer's names in torchvision and in timm, which orders the tensors differently."""


class Backbone(Protocol):
    """What params.yaml says about a backbone."""

    @property
    def name(self) -> str: ...

    @property
    def weights(self) -> str | None: ...

    @property
    def args(self) -> Mapping[str, Any]: ...


Weights = dict[str, torch.Tensor]
Note = Callable[[str], None]

WRAPPED_IN = ("state_dict", "model_state_dict", "model", "model_ema", "weights")
WAYS_OUT = (
    "go online once: timm downloads the weights and keeps them in its cache; or copy a file of them here and name it in "
    "model.weights (safetensors or .pth, in timm's or torchvision's naming), or a package of them (package:…, "
    "docs/transfer-learning.md); or set model.pretrained: false"
)


def pretrained_backbone(model: Backbone, options: Mapping[str, Any], pretrained: bool, note: Note) -> tuple[nn.Module, Weights]:
    """Build timm's `model.name`, or torchvision's, without its classifier; return it with the tensors of its file of weights.

    Raises InputError for refused arguments, and for weights that cannot be loaded or do not fit.
    """
    import timm

    if not timm.is_model(model.name):
        backbone = torchvision_backbone(model.name, options["in_chans"], model.args)
        if pretrained and not model.weights:
            raise InputError(
                f"params.yaml, model: weights of torchvision's {model.name} are not downloaded",
                mend="name a file of them in model.weights, or set model.pretrained: false",
            )
        return backbone, load_own_weights(backbone, model.weights, note) if pretrained and model.weights else {}
    if not pretrained:
        with refused(f"params.yaml, model: timm cannot build {model.name}", "correct model.name or model.args"):
            return _create(model.name, options), {}
    if model.weights:
        weights = read_weights(require_weights(model.weights))
        return _load_named(model, weights, options, note), weights
    cached = _in_cache(model.name)
    if cached is None:
        _require_hub(model.name)
        note(f"weights: downloading those of {model.name}")
    else:
        note(f"weights: {cached.name} of {model.name}, from the local cache")
    overlay = {"pretrained_cfg_overlay": {"file": str(cached)}} if cached else {}
    try:
        return _create(model.name, {**options, **overlay}, pretrained=True), {}
    except (OSError, RuntimeError, SafetensorError) as error:
        first = str(error).splitlines()[0]
        raise InputError(f"the pretrained weights of {model.name} cannot be loaded: {first}", mend=WAYS_OUT) from error


def where_from(name: str) -> str | None:
    """Return where timm's weights of a backbone can be loaded from now; None where they cannot be."""
    import timm
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    if _in_cache(name):
        return "the local cache"
    cfg = timm.models.get_pretrained_cfg(name)
    if not cfg or not cfg.hf_hub_id or constants.HF_HUB_OFFLINE or not answers(constants.ENDPOINT):
        return None
    repository, _, revision = cfg.hf_hub_id.partition("@")
    file = cfg.hf_hub_filename or "model.safetensors"
    try:
        get_hf_file_metadata(hf_hub_url(repository, file, revision=revision or None), timeout=ANSWER_WITHIN)
    except Exception:  # whatever stands between here and the hub
        return None
    return f"{urlparse(constants.ENDPOINT).netloc}, downloaded once"


def load_own_weights(network: nn.Module, file: str, note: Note) -> Weights:
    """Load a file into a network by its own names, and return its tensors; raises InputError where some are missing."""
    weights, wanted = read_weights(require_weights(file)), network.state_dict()
    weights = {name.removeprefix("backbone."): tensor for name, tensor in weights.items()}
    wrong = [name for name, tensor in wanted.items() if name not in weights or weights[name].shape != tensor.shape]
    if wrong:
        raise InputError(
            f"{file} lacks {len(wrong)} of the {len(wanted)} tensors of params.yaml, model.name",
            wrong,
            "name the file that was saved from this module",
        )
    network.load_state_dict({name: weights[name] for name in wanted})
    note(f"weights: {file}: all {len(wanted)} tensors matched by name; {len(weights) - len(wanted)} not used")
    return weights


def read_weights(path: Path) -> Weights:
    """Return the tensors of a safetensors file, or of a state dict saved by torch, by name; other pickles are not opened."""
    if not path.is_file():
        raise InputError(f"params.yaml, model.weights: there is no file {path}", mend="correct the path")
    try:
        saved: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises errors of many kinds
        # torch advises to set weights_only=False, which would run code in the file.
        why = "it holds more than tensors" if "weights_only" in str(error) else str(error).splitlines()[0]
        raise InputError(
            f"params.yaml, model.weights: {path} is not a file of weights, or is damaged: {why}",
            mend="fetch it again, or save a state dict: torch.save(model.state_dict(), path), or safetensors.torch.save_file",
        ) from error
    while isinstance(saved, dict) and not any(isinstance(value, torch.Tensor) for value in saved.values()):
        inner = next((saved[key] for key in WRAPPED_IN if key in saved), None)
        if inner is None:
            raise InputError(f"params.yaml, model.weights: {path} holds no tensors", list(saved)[:10], "name a state dict")
        saved = inner
    weights = {str(name): value for name, value in dict(saved).items() if isinstance(value, torch.Tensor)}
    for prefix in ("module.", "_orig_mod."):
        weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _load_named(model: Backbone, weights: Weights, options: Mapping[str, Any], note: Note) -> nn.Module:
    """Build the backbone with tensors matched by goldfold's, timm's or torchvision's names, or else by their order."""
    ours = {name.removeprefix("backbone."): tensor for name, tensor in weights.items() if name.startswith("backbone.")}
    tensors, naming = (ours, "goldfold's names") if ours else (weights, "timm's names")
    if "encoder.pos_embedding" in tensors:
        tensors, naming = {_timm_vit(name): tensor for name, tensor in tensors.items()}, "torchvision's names"
    backbone, missing, unused = _load(model.name, tensors, options)
    if backbone is None or missing:
        ordered, beyond = _by_order(_create(model.name, {**options, "in_chans": 3}), tensors)
        if ordered:
            naming = "their order and shapes, as the names are not timm's"
            backbone, missing, unused = _load(model.name, ordered, options)
            unused = [*unused, *beyond]
    if backbone is None or missing:
        raise InputError(
            f"params.yaml, model.weights: {model.weights} does not fit {model.name}",
            [f"{name} is missing" for name in missing] or ["tensors have other shapes"],
            "name the weights of this backbone in model.weights, or the backbone of these weights in model.name",
        )
    total = len(backbone.state_dict())
    left = f"; not used: {', '.join(unused[:6])}{' …' if len(unused) > 6 else ''}" if unused else ""
    note(f"weights: {model.weights}: {total} of {total} tensors of {model.name} matched by {naming}{left}")
    return backbone


def _timm_vit(name: str) -> str:
    for theirs, ours in TORCHVISION_VIT:
        name = name.replace(theirs, ours)
    return name


def _load(name: str, tensors: Weights, options: Mapping[str, Any]) -> tuple[nn.Module | None, list[str], list[str]]:
    """Return the backbone with `tensors`, its parameters without one, and the unused tensors; no backbone if shapes differ."""
    with _timms_log() as keys:
        try:
            # timm renames the tensors of other repositories and adapts the first layer to the channels.
            overlay = {"pretrained_cfg_overlay": {"state_dict": dict(tensors)}}
            backbone = _create(name, {**options, **overlay}, pretrained=True)
        except (RuntimeError, KeyError, AttributeError, IndexError):
            return None, [], []
    learned = {key for key, _ in backbone.named_parameters()} | {key for key, _ in backbone.named_buffers() if "running" in key}
    return backbone, [key for key in keys["Missing"] if key in learned], keys["Unexpected"]


def _by_order(backbone: nn.Module, tensors: Weights) -> tuple[Weights, list[str]]:
    """Return the file's tensors under the backbone's names in their order, and the names of the surplus tensors.

    Both are empty unless all shapes are equal.
    """
    wanted = [(name, tensor) for name, tensor in backbone.state_dict().items() if "num_batches_tracked" not in name]
    ordered = [(name, tensor) for name, tensor in tensors.items() if "num_batches_tracked" not in name]
    pairs = list(zip(wanted, ordered, strict=False))
    if len(ordered) < len(wanted) or any(goal.squeeze().shape != tensor.squeeze().shape for (_, goal), (_, tensor) in pairs):
        return {}, []
    renamed = {name: tensor.reshape(goal.shape) for (name, goal), (_, tensor) in pairs}
    return renamed, [name for name, _ in ordered[len(wanted) :]]


@contextmanager
def _timms_log() -> Iterator[dict[str, list[str]]]:
    """Collect the missing and unexpected keys, which timm writes to its log alone."""
    keys: dict[str, list[str]] = {"Missing": [], "Unexpected": []}

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            for kind in keys:
                if message.startswith(f"{kind} keys ("):
                    keys[kind] = message.split("(", 1)[1].split(")")[0].split(", ")

    logger, listener = logging.getLogger("timm.models._builder"), Listener()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(listener)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield keys
    finally:
        logger.removeHandler(listener)
        logger.setLevel(level)
        logger.propagate = propagate


def _create(name: str, options: Mapping[str, Any], pretrained: bool = False) -> nn.Module:
    import timm

    try:
        built: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=0, **options)
    except (TypeError, ValueError, AssertionError) as error:
        raise InputError(
            f"params.yaml, model: timm refused to build {name}: {error}", mend="correct model.args or model.image_size"
        ) from error
    return built


def _in_cache(name: str) -> Path | None:
    """Return the file with timm's weights for `name`, if it was downloaded before."""
    import timm
    from huggingface_hub import try_to_load_from_cache

    cfg = timm.models.get_pretrained_cfg(name)
    if cfg and cfg.hf_hub_id:
        repository, _, revision = cfg.hf_hub_id.partition("@")
        for file in [cfg.hf_hub_filename] if cfg.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]:
            cached = try_to_load_from_cache(repository, file, revision=revision or None)
            if isinstance(cached, str):
                return Path(cached)
    if cfg and cfg.url:
        path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(cfg.url).path).name
        return path if path.is_file() else None
    return None


def _require_hub(name: str) -> None:
    """Raise InputError where timm has no weights or the hub does not answer within seconds; timm tries for a minute."""
    import timm

    cfg = timm.models.get_pretrained_cfg(name)
    if not cfg or not (cfg.hf_hub_id or cfg.url):
        similar = [other for other in timm.list_pretrained() if other.startswith(name.split(".")[0])]
        raise InputError(
            f"params.yaml, model: timm has no pretrained weights for {name}",
            similar,
            "name a model that has some, or a file in model.weights, or set model.pretrained: false",
        )
    require_answer(name, None if cfg.hf_hub_id else str(cfg.url), WAYS_OUT)
