"""What params.yaml says about a backbone's pretrained weights, whatever kind of input it reads."""

from pathlib import Path
from typing import Self

from pydantic import model_validator

from goldfold.config import ModelConfig
from goldfold.modalities.packages import place_of


class BackboneConfig(ModelConfig):
    """A backbone, and where its weights are from."""

    pretrained: bool = False
    """Start from pretrained weights: those of `weights`, else timm's, downloaded once from the Hugging Face hub."""
    weights: str | None = None
    """A file with the pretrained weights, safetensors or a state dict, in timm's, torchvision's or goldfold's naming; or
    package:NAME, those of a package of requirements-weights.txt."""

    @model_validator(mode="after")
    def _weights_are_used(self) -> Self:
        if self.weights and not self.pretrained:
            raise ValueError("weights are given but pretrained is false; set pretrained: true to start from them")
        if ":" in self.name and self.pretrained and not self.weights:
            raise ValueError("pretrained weights of your own module are a file: name it in weights")
        return self

    @property
    def starts_pretrained(self) -> bool:
        return self.pretrained

    @property
    def files(self) -> tuple[Path, ...]:
        return (place,) if self.weights and (place := place_of(self.weights)) else ()
