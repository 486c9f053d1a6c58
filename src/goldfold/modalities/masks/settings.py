"""What params.yaml says about masks: the network; the cache is that of images."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from goldfold.config import Component
from goldfold.config.section import Arguments
from goldfold.modalities.backbone_settings import BackboneConfig
from goldfold.modalities.image.settings import ImagePrepareConfig

STRIDE = 32
"""By how much the deepest feature map of an encoder is smaller than its image."""
FLIPS = ("HorizontalFlip", "VerticalFlip", "Transpose")
"""The transforms that undo themselves, by which masks are predicted once more."""


class MaskModelConfig(BackboneConfig):
    """The network."""

    name: str
    """The encoder: a backbone of timm that gives feature maps."""
    decoder: Component = Component(name="Unet")
    """The decoder of segmentation-models-pytorch, with its arguments: Unet, UnetPlusPlus, FPN, DeepLabV3Plus, MAnet, …"""
    image_size: int = Field(256, ge=STRIDE, le=10_000)
    """The side of the square that the network sees, in pixels, a multiple of 32; the image is squeezed into it, and its mask
    enlarged again."""
    mean: tuple[float, ...] | None = None
    """The mean of the pixels (0 to 1), per channel, to normalise by; by default what the encoder was pretrained with."""
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """The deviation that goes with `mean`."""
    args: Arguments = Field({})
    """Arguments of timm.create_model, such as drop_path_rate."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together, or neither")
        if self.image_size % STRIDE:
            raise ValueError(f"image_size: {self.image_size} is no multiple of {STRIDE}; {self._nearest()} is")
        if ":" in self.name:
            raise ValueError("the encoder of masks is a backbone of timm, by its name")
        return self

    def _nearest(self) -> int:
        return max(STRIDE, round(self.image_size / STRIDE) * STRIDE)

    @property
    def networks(self) -> tuple["MaskModelConfig", ...]:
        """The settings of each backbone, as those of images have them."""
        return (self,)

    @property
    def crop(self) -> None:
        """The whole image is seen."""
        return

    @property
    def progressive_sizes(self) -> tuple[int, ...]:
        """The side stays the same."""
        return ()

    @property
    def augmentations(self) -> None:
        return None

    @property
    def tta(self) -> tuple[str, ...]:
        return FLIPS

    @property
    def libraries(self) -> tuple[str, ...]:
        return ("timm", "albumentations", "segmentation_models_pytorch")


MODEL, PREPARE = MaskModelConfig, ImagePrepareConfig
