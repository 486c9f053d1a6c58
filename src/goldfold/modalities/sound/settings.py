"""What params.yaml says about sounds: the cache of waves, their spectrogram, and the network."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from goldfold.config import Component, HeadConfig, Kind, PrepareConfig
from goldfold.config.section import Arguments
from goldfold.modalities.backbone_settings import BackboneConfig
from goldfold.modalities.sound.augmentation import NAMES


class SoundPrepareConfig(PrepareConfig):
    """The cache of resampled waves."""

    rate: int = Field(16_000, ge=1000, le=192_000)
    """Samples a second in the cache, to which all sounds are resampled; half of it is the highest frequency that is heard."""
    start: str | None = None
    """The column that says where in its file a row's sound begins, in seconds, where several rows are parts of one file."""
    end: str | None = None
    """The column that says where it ends; by default with the file."""
    bad_sounds: Literal["error", "blank", "drop"] = "error"
    """What to do with a sound that is missing or cannot be decoded: stop; replace it by silence and say so; or also drop its row,
    if it is a training row, from training and validation."""
    workers: int | None = Field(None, ge=1, le=512)
    """Decoding threads; by default one per CPU core."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return {column: "number" for column in (self.start, self.end) if column}


class SoundModelConfig(BackboneConfig):
    """The spectrogram, and the network that reads it."""

    name: str
    """A backbone of timm; or the import path of your own nn.Module, which is called with the number of outputs and `args`, and
    reads spectrograms (b, 1, mels, frames)."""
    seconds: float = Field(5.0, gt=0, le=600)
    """The length of a window. Training reads a random one of each row in each epoch; shorter sounds have silence around them."""
    windows: int = Field(8, ge=1, le=1000)
    """How many windows of a row are read at most in validation and prediction, spread evenly over it."""
    join: Literal["mean", "max"] = "mean"
    """How the features of a row's windows become one: mean for what lasts, max for what is heard once."""
    mels: int = Field(64, ge=8, le=512)
    """The number of frequency bands of the spectrogram, of equal width in mels."""
    frame: float = Field(0.032, gt=0, le=1)
    """The seconds that are looked at for each point in time of the spectrogram."""
    hop: float = Field(0.016, gt=0, le=1)
    """The seconds from one point in time to the next."""
    lowest: float = Field(20.0, ge=0)
    """The lowest frequency of the spectrogram, in Hz."""
    highest: float | None = Field(None, gt=0)
    """The highest one; by default half of prepare.rate."""
    pool: Literal["mean", "max", "attention"] | None = None
    """How the feature map is pooled over time: mean, max, or attention, which learns what to listen to; by default as the
    backbone does."""
    head: HeadConfig = HeadConfig()
    """The head on the backbone's features."""
    estimator: Component | None = None
    """An estimator in the head's place, fitted to the features of the frozen backbone: linear (logistic or ridge regression), a
    name in scikit-learn, or an import path, with its arguments."""
    views: int = Field(2, ge=1, le=100)
    """How many views of each training row an estimator is fitted to: the sound as it is, and augmented ones (with `augment`)."""
    args: Arguments = Field({})
    """Arguments of timm.create_model, or of your own module's class."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.highest is not None and self.highest <= self.lowest:
            raise ValueError(f"highest: {self.highest:g} must be above lowest: {self.lowest:g}")
        if self.hop > self.seconds or self.frame > self.seconds:
            raise ValueError("frame and hop are parts of a window: set them below seconds")
        if ":" in self.name and (self.pool or self.head != HeadConfig()):
            raise ValueError("your own module is the whole network: leave out pool and head")
        return self

    @model_validator(mode="after")
    def _readable_by_an_estimator(self) -> Self:
        if not self.estimator:
            if self.views != type(self).model_fields["views"].default:
                raise ValueError("views are what an estimator is fitted to: set estimator: linear, or leave out views")
            return self
        if not self.pretrained:
            raise ValueError("an estimator reads the features of a pretrained backbone: set pretrained: true")
        if ":" in self.name:
            raise ValueError("an estimator reads the features of a backbone, not of your own module: leave out estimator")
        if self.head != HeadConfig() or self.pool == "attention":
            raise ValueError("nothing is trained below an estimator: leave out head and pool: attention")
        return self

    @property
    def reader(self) -> Component | None:
        return self.estimator

    @property
    def augmentations(self) -> tuple[str, ...]:
        return NAMES

    @property
    def tta(self) -> tuple[str, ...]:
        return NAMES

    @property
    def mixed(self) -> str | None:
        return None if self.reader else "sound"

    @property
    def mixes(self) -> tuple[str, ...]:
        return ("MixUp",)

    @property
    def libraries(self) -> tuple[str, ...]:
        return ("timm",)


MODEL, PREPARE = SoundModelConfig, SoundPrepareConfig
