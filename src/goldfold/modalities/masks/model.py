"""Networks for masks: an encoder of timm, and a decoder of segmentation-models-pytorch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from goldfold.competition import Problem
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.modalities.backbone import pretrained_cfg
from goldfold.modalities.image.model import normalised
from goldfold.modalities.image.pretrained import pretrained_backbone
from goldfold.modalities.masks.settings import MaskModelConfig


class Decoder(nn.Module):
    """From feature maps, the largest first, to logits (b, classes, height, width)."""

    def __init__(self, decoder: nn.Module, last: nn.Module) -> None:
        super().__init__()
        self.decoder, self.last = decoder, last

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        logits: torch.Tensor = self.last(self.decoder(maps))
        return logits


class MaskModel(nn.Module):
    """Normalisation, encoder and decoder: `image`, (b, height, width, channels) bytes, to logits (b, classes, height, width)."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: nn.Module, head: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.backbone, self.head = backbone, head
        self.register_buffer("mean", torch.tensor(mean) * 255, persistent=False)
        self.register_buffer("std", torch.tensor(std) * 255, persistent=False)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.backbone(normalised(image, self.mean, self.std)))
        return logits

    def depths(self, coarse: bool) -> dict[str, int]:
        """Return how deep each of the encoder's parameters lies, from 0 at the image up: by stage, as timm lists them."""
        stages: dict[str, int] = {}
        depths = {}
        for name, _ in self.backbone.named_parameters():
            parts = name.removeprefix("model.").split(".")
            stage = ".".join(parts[:2]) if len(parts) > 1 and parts[1].isdecimal() and parts[0] in STACKS else parts[0]
            depths[f"backbone.{name}"] = stages.setdefault(stage, len(stages))
        return depths


STACKS = ("blocks", "stages", "layers", "features")
"""What timm calls a list of stages."""


def build_model(
    model: MaskModelConfig,
    spec: Mapping[str, Any],
    problem: Problem,
    pretrained: bool,
    note: Callable[[str], None] = lambda _: None,
) -> MaskModel:
    """Build `model.name` with its decoder; with `pretrained`, from the file model.weights or else timm's weights.

    `note` is called with how the weights matched. Raises InputError for an unknown name, refused arguments, weights that cannot
    be loaded, and a network that gives no maps of the image's size.
    """
    import segmentation_models_pytorch as smp  # type: ignore[import-untyped]

    pretrained_cfg(model.name)
    decoders = {kind.__name__: kind for kind in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    if model.decoder.name not in decoders:
        names = sorted(decoders)
        raise InputError(
            f"params.yaml, model.decoder: there is no {model.decoder.name}{nearest(model.decoder.name, names)}",
            mend=f"give one of {', '.join(names)}",
        )
    classes, channels = len(problem.outputs), spec["channels"]
    options = {"encoder_name": f"tu-{model.name}", "encoder_weights": None, "in_channels": channels, "classes": classes}
    try:
        whole = decoders[model.decoder.name](**options, **model.decoder.args, **model.args)
        built = MaskModel(whole.encoder, Decoder(whole.decoder, whole.segmentation_head), spec["mean"], spec["std"])
        _require_maps(built, model, spec, classes)
    except (TypeError, ValueError, RuntimeError, KeyError, AttributeError, AssertionError) as error:
        raise InputError(
            f"params.yaml, model: {model.decoder.name} cannot be built on {model.name} for {spec['size']} pixels: "
            f"{next(iter(str(error).splitlines()), repr(error))}",
            mend="choose another encoder (resnet18, mobilenetv2_100, efficientnet_b0, convnext_tiny, …), decoder, or arguments",
        ) from error
    if pretrained:
        encoder: nn.Module = whole.encoder.model
        loaded, _ = pretrained_backbone(model, {"in_chans": channels, **model.args, "features_only": True}, True, note)
        missing = set(encoder.state_dict()) - set(loaded.state_dict())
        if missing:
            raise InputError(
                f"params.yaml, model: the weights of {model.name} lack {len(missing)} tensors of the encoder",
                sorted(missing),
                "choose another encoder, or set model.pretrained: false",
            )
        encoder.load_state_dict({name: tensor for name, tensor in loaded.state_dict().items() if name in encoder.state_dict()})
    return built.to(memory_format=torch.channels_last)


@torch.no_grad()
def _require_maps(built: MaskModel, model: MaskModelConfig, spec: Mapping[str, Any], classes: int) -> None:
    """Raise ValueError where the logits are no maps of the image's size."""
    size = spec["size"]
    logits = built.eval()(torch.zeros(1, size, size, spec["channels"], dtype=torch.uint8))
    if logits.shape != (1, classes, size, size):
        raise ValueError(f"it gives {tuple(logits.shape)} for one image, not (1, {classes}, {size}, {size})")
