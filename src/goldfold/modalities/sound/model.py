"""Networks for sounds: a log-mel spectrogram, and one of timm's backbones with a head, or the competitor's own module."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.config import Component
from goldfold.errors import InputError
from goldfold.imports import called, trusted
from goldfold.metrics import Array
from goldfold.modalities.backbone import depths_of, pretrained_cfg, without_decay
from goldfold.modalities.frozen import FrozenModel
from goldfold.modalities.head import build_head
from goldfold.modalities.image.pretrained import load_own_weights, pretrained_backbone
from goldfold.modalities.sound.cache import SoundCache
from goldfold.modalities.sound.settings import SoundModelConfig
from goldfold.modalities.sound.spectrogram import LogMel
from goldfold.prepare import PreparedSet

POOLS = {"mean": "avg", "max": "max", "attention": "", None: None}
"""What timm calls how a feature map is pooled."""


def input_spec(model: SoundModelConfig, prepared: PreparedSet, _: Array) -> dict[str, Any]:
    """Return the rate, the samples of a window and the most windows of a row, and the spectrogram."""
    sounds = SoundCache.load(prepared.folder)
    rate = sounds.rate
    highest = model.highest or rate / 2
    if not model.lowest < highest <= rate / 2:
        raise InputError(
            f"params.yaml, model: the spectrogram is to reach from {model.lowest:g} to {highest:g} Hz, and the sounds hold 0 to "
            f"{rate / 2:g}",
            mend="lower model.lowest and model.highest, or raise prepare.rate",
        )
    return {
        "rate": rate,
        "start": sounds.start,
        "end": sounds.end,
        "samples": round(model.seconds * rate),
        "windows": model.windows,
        "join": model.join,
        "mels": model.mels,
        "frame": model.frame,
        "hop": model.hop,
        "lowest": model.lowest,
        "highest": highest,
    }


class Attention(nn.Module):
    """Pooling over time by learned weights, which sum to 1: from a feature map (b, channels, mels, frames) to (b, channels)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Linear(width, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        over_time = features.mean(dim=2).transpose(1, 2)
        pooled: torch.Tensor = (torch.softmax(self.weight(over_time), dim=1) * over_time).sum(dim=1)
        return pooled


class SoundModel(nn.Module):
    """Spectrogram, backbone, pooling and head: from `sound`, (b, windows, samples) int16 (floats of its size where a batch was
    mixed), to logits (b, outputs).

    Windows of silence alone are left out, but a row's first: they pad what is shorter than others of its batch. `hidden`, (b,
    rectangles, 4), are parts of the spectrograms that are hidden in training, from and to of their bands and frames as shares.
    """

    def __init__(
        self, spectrogram: LogMel, backbone: nn.Module, pool: nn.Module, head: nn.Module, num_features: int, join: str
    ) -> None:
        super().__init__()
        self.spectrogram = spectrogram
        self.backbone = backbone
        self.pool = pool
        self.head = head
        self.num_features = num_features
        self.join = join

    def forward(self, sound: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(sound, hidden))
        return logits

    def features(self, sound: torch.Tensor, hidden: torch.Tensor | None = None) -> torch.Tensor:
        """Return what the head reads, (b, num_features)."""
        rows, windows, samples = sound.shape
        spectrogram = self.spectrogram(sound.reshape(rows * windows, samples))[:, None]
        if hidden is not None:
            spectrogram = hide(spectrogram, hidden.repeat_interleave(windows, dim=0))
        features: torch.Tensor = self.pool(self.backbone(spectrogram)).float().reshape(rows, windows, self.num_features)
        heard = (sound != 0).any(dim=2) | (torch.arange(windows, device=sound.device) == 0)
        if self.join == "max":
            return features.masked_fill(~heard[:, :, None], -torch.inf).amax(dim=1)
        share = heard.float() / heard.float().sum(dim=1, keepdim=True)
        return (features * share[:, :, None]).sum(dim=1)

    def depths(self, coarse: bool) -> dict[str, int]:
        """Return how deep each of the backbone's parameters lies; see `depths_of`."""
        return depths_of(self.backbone, coarse)

    def no_weight_decay(self) -> set[str]:
        """Return the parameters that the backbone's authors exempt from weight decay."""
        return without_decay(self.backbone)


def hide(spectrogram: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """Return spectrograms (n, 1, mels, frames) with rectangles, (n, rectangles, 4), at their mean, which is 0."""
    bands, frames = spectrogram.shape[2:]
    low, high, begin, end = hidden[..., None].unbind(dim=2)
    band = (torch.arange(bands, device=hidden.device) + 0.5) / bands
    frame = (torch.arange(frames, device=hidden.device) + 0.5) / frames
    inside = ((band >= low) & (band < high))[..., :, None] & ((frame >= begin) & (frame < end))[..., None, :]
    return spectrogram.masked_fill(inside.any(dim=1)[:, None], 0.0)


def build_model(
    model: SoundModelConfig,
    spec: Mapping[str, Any],
    problem: Problem,
    pretrained: bool,
    note: Callable[[str], None] = lambda _: None,
) -> SoundModel | FrozenModel:
    """Build `model.name` with its head or estimator; with `pretrained`, from the file model.weights or else timm's weights.

    `note` is called with how the weights matched. Raises InputError for an unknown name, refused arguments, or weights that
    cannot be loaded.
    """
    outputs = len(problem.outputs)
    spectrogram = LogMel(*(spec[name] for name in ("rate", "mels", "frame", "hop", "lowest", "highest")))
    if ":" in model.name:
        backbone: nn.Module = called(trusted(model.name, [], "model.name", nn.Module), "model", outputs, **model.args)
        if pretrained and model.weights:
            load_own_weights(backbone, model.weights, note)
        _require_logits(_tried(backbone, model, spec, spectrogram), model, outputs)
        return SoundModel(spectrogram, backbone, nn.Identity(), nn.Identity(), outputs, spec["join"])
    backbone, width = _backbone(model, spec, spectrogram, pretrained, note)
    pool = Attention(width) if model.pool == "attention" else nn.Identity()
    if model.reader:
        network = SoundModel(spectrogram, backbone, pool, nn.Identity(), width, spec["join"])
        return _frozen(network, model, model.reader, spec, problem)
    head = build_head(model.head, width, outputs)
    return SoundModel(spectrogram, backbone, pool, head, width, spec["join"]).to(memory_format=torch.channels_last)


def _frozen(
    network: SoundModel, model: SoundModelConfig, reader: Component, spec: Mapping[str, Any], problem: Problem
) -> FrozenModel:
    read = {"spec": spec, "network": model.model_dump(mode="json", include={"name", "args", "pool"})}
    return FrozenModel(network, reader, problem, read, model.views).to(memory_format=torch.channels_last)


def _backbone(
    model: SoundModelConfig, spec: Mapping[str, Any], spectrogram: LogMel, pretrained: bool, note: Callable[[str], None]
) -> tuple[nn.Module, int]:
    """Return a backbone for spectrograms of one channel, and the width of its features."""
    pretrained_cfg(model.name)
    pool = POOLS[model.pool]
    options = {"in_chans": 1, **({} if pool is None else {"global_pool": pool}), **model.args}
    backbone, _ = pretrained_backbone(model, options, pretrained, note)
    features = _tried(backbone, model, spec, spectrogram)
    wanted = 4 if model.pool == "attention" else 2
    if features.ndim != wanted or (wanted == 4 and getattr(backbone, "output_fmt", "NCHW") != "NCHW"):
        raise InputError(
            f"params.yaml, model: {model.name} gives features of shape {tuple(features.shape)}",
            mend="choose a convolutional backbone for model.pool: attention" if wanted == 4 else "set model.pool: mean",
        )
    return backbone, int(features.shape[1])


@torch.no_grad()
def _tried(backbone: nn.Module, model: SoundModelConfig, spec: Mapping[str, Any], spectrogram: LogMel) -> torch.Tensor:
    """Return what a network makes of the spectrogram of silence; raises InputError where it refuses it."""
    shape = (spec["mels"], spectrogram.frames(spec["samples"]))
    try:
        output: torch.Tensor = backbone.eval()(torch.zeros(1, 1, *shape))
    except (ValueError, RuntimeError, AssertionError, TypeError) as error:
        raise InputError(
            f"params.yaml, model: {model.name} cannot take a spectrogram of {shape[0]} bands and {shape[1]} frames: "
            f"{str(error).splitlines()[0]}",
            mend="change model.mels, seconds or hop, or choose a convolutional backbone (a ViT may need args: "
            "{img_size: [mels, frames]} or {dynamic_img_size: true})",
        ) from error
    return output


def _require_logits(logits: torch.Tensor, model: SoundModelConfig, outputs: int) -> None:
    if logits.shape != (1, outputs):
        raise InputError(
            f"params.yaml, model: {model.name} gives {tuple(logits.shape)} for one spectrogram, not (1, {outputs})",
            mend="its class is called with the number of outputs: use it for the last layer",
        )
