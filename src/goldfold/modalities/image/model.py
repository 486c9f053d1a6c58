"""Networks for images: timm's backbones with a head, or the competitor's own module."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.imports import called, trusted
from goldfold.metrics import Array
from goldfold.modalities.backbone import depths_of, pretrained_cfg, without_decay
from goldfold.modalities.frozen import FrozenModel, SideBySide
from goldfold.modalities.head import build_head
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.image.decoding import INTERPOLATIONS
from goldfold.modalities.image.pretrained import load_own_weights, pretrained_backbone
from goldfold.modalities.image.settings import ImageModelConfig
from goldfold.prepare import PreparedSet


def input_spec(model: ImageModelConfig, prepared: PreparedSet, _: Array) -> dict[str, Any]:
    """Return the sides of the square that the network sees, its channels, their mean and deviation, and how to resize."""
    images = ImageCache.load(prepared.folder)
    channels = images.channels
    resolved, *others = [_data_config(network.name, channels) for network in model.networks]
    size = model.image_size or resolved["input_size"][1]
    if size is None:
        raise InputError("params.yaml: your own module needs its model.image_size", mend="set it, in pixels")
    return {
        "size": size,
        "crop": model.crop,
        "progressive_sizes": list(model.progressive_sizes),
        "cache_size": images.size,
        "rendering": images.rendering.to_json(),
        "channels": channels,
        **_normalisation(model, resolved, channels),
        "interpolation": resolved["interpolation"] if resolved["interpolation"] in INTERPOLATIONS else "bicubic",
        **({"others": [_normalisation(model, other, channels) for other in others]} if others else {}),
    }


def _data_config(name: str, channels: int) -> dict[str, Any]:
    """Return the size, normalisation and interpolation that a backbone was pretrained with."""
    if ":" in name:
        return {"input_size": (channels, None, None), "mean": (0.5,), "std": (0.5,), "interpolation": "bicubic"}
    import timm

    return dict(timm.data.resolve_data_config(pretrained_cfg=pretrained_cfg(name), use_test_size=False))


def _normalisation(model: ImageModelConfig, resolved: Mapping[str, Any], channels: int) -> dict[str, list[float]]:
    return {
        "mean": _per_channel(model.mean or resolved["mean"], channels, "model.mean", own=model.mean is not None),
        "std": _per_channel(model.std or resolved["std"], channels, "model.std", own=model.std is not None),
    }


def _per_channel(values: Sequence[float], channels: int, key: str, own: bool) -> list[float]:
    """Return a value for each channel; the backbone's are averaged for grey, or repeated, as timm repeats weights."""
    if own and len(values) not in (1, channels):
        raise InputError(f"params.yaml, {key} has {len(values)} values for {channels} channels", mend="give one for each")
    if channels == 1:
        return [sum(values) / len(values)]
    return [float(values[channel % len(values)]) for channel in range(channels)]


def normalised(image: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Return images, (b, height, width, channels) of 0 to 255, normalised by channel, as (b, channels, height, width)."""
    # Normalising rows of pixels is several times as fast as channel by channel.
    width = image.shape[2]
    lines = (image.flatten(2).float() - mean.repeat(width)).div_(std.repeat(width))
    # Permuted to (channel, height, width), the batch is channels_last.
    return lines.view(image.shape).permute(0, 3, 1, 2)


class ImageModel(nn.Module):
    """Normalisation, backbone and head: from `image`, (b, height, width, channels) bytes (floats of 0 to 255 where a
    batch was mixed), to logits (b, outputs)."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(
        self, backbone: nn.Module, head: nn.Module, mean: Sequence[float], std: Sequence[float], num_features: int
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head
        self.num_features = num_features
        self.register_buffer("mean", torch.tensor(mean) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std) * 255, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(image))
        return logits

    def features(self, image: torch.Tensor) -> torch.Tensor:
        """Return what the head reads, (b, num_features)."""
        features: torch.Tensor = self.backbone(normalised(image, self.mean, self.std))
        return features

    def depths(self, coarse: bool) -> dict[str, int]:
        """Return how deep each of the backbone's parameters lies; see `depths_of`."""
        return depths_of(self.backbone, coarse)

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that the backbone's authors exempt from weight decay."""
        return without_decay(self.backbone)


class GeM(nn.Module):
    """Generalised-mean pooling, (b, channels, height, width) to (b, channels), with a learned power.

    Radenovic, Tolias and Chum 2018, https://arxiv.org/abs/1711.02512
    """

    def __init__(self, power: float = 3.0) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor([power]))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        if features.ndim != 4:
            raise ValueError(f"GeM pools a feature map, but this backbone returns {tuple(features.shape)}")
        # In fp32: a power of a half-precision number overflows.
        return features.float().clamp(min=1e-6).pow(self.power).mean(dim=(2, 3)).pow(1 / self.power)


def build_model(
    model: ImageModelConfig,
    spec: Mapping[str, Any],
    problem: Problem,
    pretrained: bool,
    note: Callable[[str], None] = lambda _: None,
) -> ImageModel | FrozenModel:
    """Build `model.name` with its head or estimator; with `pretrained`, from the file model.weights or else timm's weights.

    `note` is called with how the weights matched. Raises InputError for an unknown name, refused arguments, or weights that
    cannot be loaded.
    """
    outputs = len(problem.outputs)
    if model.reader:
        return _frozen(model, model.reader, spec, problem, pretrained, note)
    if ":" in model.name:
        own: nn.Module = called(trusted(model.name, [], "model.name", nn.Module), "model", outputs, **model.args)
        built = ImageModel(own, nn.Identity(), spec["mean"], spec["std"], outputs)
        if pretrained and model.weights:
            load_own_weights(own, model.weights, note)
    else:
        gem = GeM() if model.pool == "gem" else None
        backbone, width, tensors = _backbone(model, spec, pretrained, note, gem)
        head = build_head(model.head, width, outputs, gem)
        own_head = {name.removeprefix("head."): tensor for name, tensor in tensors.items() if name.startswith("head.")}
        if own_head and {k: v.shape for k, v in own_head.items()} == {k: v.shape for k, v in head.state_dict().items()}:
            head.load_state_dict(own_head)
            note("weights: the head's too, which has the same shape")
        built = ImageModel(backbone, head, spec["mean"], spec["std"], width)
    _require_sizes(built, model, spec, outputs)
    return built.to(memory_format=torch.channels_last)


def _backbone(
    model: ImageModelConfig, spec: Mapping[str, Any], pretrained: bool, note: Callable[[str], None], pool: nn.Module | None = None
) -> tuple[nn.Module, int, Mapping[str, torch.Tensor]]:
    """Return a backbone, the width of its features, pooled by `pool` if given, and the tensors of its file of weights."""
    pretrained_cfg(model.name)
    own = {} if model.pool is None else {"global_pool": "" if pool else model.pool}
    options = {"in_chans": spec["channels"], **own, **model.args}
    backbone, tensors = pretrained_backbone(model, options, pretrained, note)
    return backbone, _features(backbone, model, spec, pool), tensors


def _frozen(
    model: ImageModelConfig,
    reader: Component,
    spec: Mapping[str, Any],
    problem: Problem,
    pretrained: bool,
    note: Callable[[str], None],
) -> FrozenModel:
    """Build an estimator on the features of one backbone or several."""
    networks: dict[str, nn.Module] = {}
    for place, (one, normal) in enumerate(zip(model.networks, [spec, *spec.get("others", [])], strict=True)):
        backbone, width, _ = _backbone(one, spec, pretrained, note)
        networks[str(place)] = ImageModel(backbone, nn.Identity(), normal["mean"], normal["std"], width)
    network = SideBySide(networks) if len(networks) > 1 else networks["0"]
    read = {"spec": spec, "networks": [one.model_dump(mode="json", include={"name", "args", "pool"}) for one in model.networks]}
    return FrozenModel(network, reader, problem, read, model.views).to(memory_format=torch.channels_last)


@torch.no_grad()
def _features(backbone: nn.Module, model: ImageModelConfig, spec: Mapping[str, Any], pool: nn.Module | None) -> int:
    """Return the width of the backbone's features, tried with a blank image."""
    try:
        features = backbone.eval()(torch.zeros(1, spec["channels"], spec["size"], spec["size"]))
        features = pool(features) if pool else features
    except (ValueError, RuntimeError, AssertionError) as error:
        raise InputError(
            f"params.yaml, model: {model.name} cannot take an image of {spec['size']} pixels: {str(error).splitlines()[0]}",
            mend="correct model.image_size, model.pool or model.args",
        ) from error
    if features.ndim != 2:
        raise InputError(
            f"params.yaml, model: {model.name} gives features of shape {tuple(features.shape)}", mend="set model.pool"
        )
    return int(features.shape[1])


@torch.no_grad()
def _require_sizes(built: ImageModel, model: ImageModelConfig, spec: Mapping[str, Any], outputs: int) -> None:
    for size in {*spec["progressive_sizes"], *([spec["size"]] if ":" in model.name else [])}:
        try:
            logits = built.eval()(torch.zeros(1, size, size, spec["channels"], dtype=torch.uint8))
        except (ValueError, RuntimeError, AssertionError, TypeError) as error:
            raise InputError(
                f"params.yaml, model: {model.name} cannot take an image of {size} pixels: {str(error).splitlines()[0]}",
                mend="correct model.image_size or progressive_sizes (a ViT may need args: {dynamic_img_size: true})",
            ) from error
        if logits.shape != (1, outputs):
            raise InputError(
                f"params.yaml, model: {model.name} gives {tuple(logits.shape)} for one image, not (1, {outputs})",
                mend="its class is called with the number of outputs: use it for the last layer",
            )
