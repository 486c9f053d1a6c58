"""What params.yaml says about images: the network and the cache."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from goldfold.config import Component, HeadConfig, PrepareConfig
from goldfold.config.section import Arguments, Section
from goldfold.modalities.backbone_settings import BackboneConfig
from goldfold.modalities.packages import place_of

LARGEST = 10_000
"""Pixels along a side, at most."""


class ImagePrepareConfig(PrepareConfig):
    """The cache of resized images."""

    image_size: int = Field(256, ge=1, le=LARGEST)
    """The shorter side of an image in the cache, in pixels; larger images are shrunk, smaller ones kept."""
    channels: int = Field(3, ge=1, le=1000)
    """3 is RGB and 1 is grey, whatever was shipped; any other number takes the channels as shipped (grey with alpha, RGBA,
    or an array in a .npy file), and an image with another number is bad."""
    bad_images: Literal["error", "blank", "drop"] = "error"
    """What to do with an image that is missing or cannot be decoded: stop; replace it by a black one and say so; or also drop its
    row, if it is a training row, from training and validation."""
    workers: int | None = Field(None, ge=1, le=512)
    """Decoding threads; by default one per CPU core."""


class Backbone(Section):
    """One of several pretrained backbones: its name alone, or with its weights and arguments."""

    model_config = ConfigDict(json_schema_extra={"type": ["object", "string"]})

    name: str
    """A backbone of timm, or a network of torchvision that timm lacks."""
    weights: str | None = None
    """Its pretrained weights, as in model.weights; by default timm's."""
    args: Arguments = Field({})
    """Arguments of timm.create_model."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class ImageModelConfig(BackboneConfig):
    """The network."""

    name: str
    """A backbone of timm; a network of torchvision that timm lacks, such as alexnet; features, those of all `backbones` under an
    `estimator`; or the import path of your own nn.Module, which is called with the number of outputs and `args`."""
    backbones: tuple[Backbone, ...] = ()
    """For name: features, the pretrained backbones whose features are joined."""
    estimator: Component | None = None
    """An estimator in the head's place, fitted to the features of the frozen backbone: linear (logistic or ridge regression), a
    name in scikit-learn, or an import path, with its arguments. Of several kinds of input it reads the other columns, too."""
    views: int = Field(2, ge=1, le=100)
    """How many views of each training row an estimator is fitted to: the image as it is, and augmented ones (with `augment`)."""
    image_size: int | None = Field(None, ge=8, le=LARGEST)
    """The side of the square that the network sees, in pixels; by default the backbone's own."""
    crop: float | None = Field(None, ge=0.1, le=1)
    """How much of the image's shorter side the network sees in validation and prediction, such as 0.875 (timm's crop_pct): the
    shorter side is resized to image_size / crop, and the centre cut out. By default the whole image is squeezed into a square."""
    progressive_sizes: tuple[Annotated[int, Field(ge=8, le=LARGEST)], ...] = ()
    """Smaller sides to train on, in turn, before image_size; the epochs are divided equally among all of them."""
    mean: tuple[float, ...] | None = None
    """The mean of the pixels (0 to 1), per channel, to normalise by; by default what the backbone was pretrained with."""
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """The deviation that goes with `mean`."""
    pool: Literal["avg", "max", "avgmax", "catavgmax", "gem"] | None = None
    """How the feature map is pooled (gem: Radenovic et al. 2018); by default as the backbone does."""
    head: HeadConfig = HeadConfig()
    """The head on the backbone's features."""
    args: Arguments = Field({})
    """Arguments of timm.create_model, such as drop_rate or drop_path_rate (stochastic depth), or of your own module's class."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std are given together, or neither")
        if ":" in self.name and (self.pool or self.head != HeadConfig()):
            raise ValueError("your own module is the whole network: leave out pool and head")
        return self

    @model_validator(mode="after")
    def _readable_by_an_estimator(self) -> Self:
        if (self.name == "features") != bool(self.backbones):
            raise ValueError("name: features and its backbones go together: backbones: [resnet18, mobilenetv3_large_100]")
        if self.backbones and not self.estimator:
            raise ValueError(
                "features are read by an estimator: set estimator: linear; a network to train is one backbone in name"
            )
        if self.backbones and (self.weights or self.args):
            raise ValueError("several backbones have weights and args of their own: backbones: [{name: resnet18, weights: FILE}]")
        if not self.reader:
            if self.views != type(self).model_fields["views"].default:
                raise ValueError("views are what an estimator is fitted to: set estimator: linear, or leave out views")
            return self
        if not self.starts_pretrained:
            raise ValueError("an estimator reads the features of a pretrained backbone: set pretrained: true")
        if any(":" in network.name for network in self.networks):
            raise ValueError("an estimator reads the features of a backbone, not of your own module: leave out estimator")
        if self.head != HeadConfig() or self.pool == "gem" or self.progressive_sizes:
            raise ValueError("nothing is trained below an estimator: leave out head, pool: gem and progressive_sizes")
        return self

    @property
    def reader(self) -> Component | None:
        return self.estimator

    @property
    def networks(self) -> tuple["ImageModelConfig", ...]:
        """The settings of each backbone."""
        shared: dict[str, Any] = {"backbones": (), "estimator": None, "pretrained": True}
        return tuple(self.model_copy(update={**shared, **dict(one)}) for one in self.backbones) or (self,)

    @property
    def starts_pretrained(self) -> bool:
        return self.pretrained or self.name == "features"

    @property
    def grows(self) -> bool:
        return bool(self.progressive_sizes)

    @property
    def augmentations(self) -> None:
        return None

    @property
    def tta(self) -> None:
        return None

    @property
    def mixed(self) -> str | None:
        return None if self.reader else "image"

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(place for one in self.networks if one.weights and (place := place_of(one.weights)))

    @property
    def libraries(self) -> tuple[str, ...]:
        return ("timm", "albumentations")


MODEL, PREPARE = ImageModelConfig, ImagePrepareConfig
