"""What params.yaml says about several kinds of input: a section for each."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from pydantic import Field, create_model, model_validator

from goldfold.config import Component, HeadConfig, Kind, ModelConfig, PrepareConfig


class FusedModelConfig(ModelConfig):
    """A network for each kind of input, and the head on all their features."""

    name: str = "fused"
    head: HeadConfig = HeadConfig()
    """The head on the features of all kinds."""

    @model_validator(mode="after")
    def _readable_by_an_estimator(self) -> Self:
        if self.reader and self.head != HeadConfig():
            raise ValueError("an estimator stands in the head's place: leave out head, or estimator")
        pretrained = [part for part in self.parts if part.starts_pretrained]
        if self.reader and any(part.reader != self.reader for part in pretrained):
            raise ValueError("one estimator reads the features of all pretrained networks: name the same in each section")
        return self

    @property
    def parts(self) -> list[ModelConfig]:
        """The settings of each network."""
        return [part for name in type(self).model_fields if isinstance(part := getattr(self, name), ModelConfig)]

    @property
    def reader(self) -> Component | None:
        return next((part.reader for part in self.parts if part.reader), None)

    @property
    def starts_pretrained(self) -> bool:
        return any(part.starts_pretrained for part in self.parts)

    @property
    def grows(self) -> bool:
        return any(part.grows for part in self.parts)

    @property
    def augmentations(self) -> tuple[str, ...] | None:
        return self.parts[0].augmentations

    @property
    def tta(self) -> tuple[str, ...] | None:
        return self.parts[0].tta

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(file for part in self.parts for file in part.files)

    @property
    def libraries(self) -> tuple[str, ...]:
        return tuple(library for part in self.parts for library in part.libraries)


class FusedPrepareConfig(PrepareConfig):
    """What the prepared set keeps of each kind of input."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        parts = [getattr(self, name) for name in type(self).model_fields]
        return {column: kind for part in parts if isinstance(part, PrepareConfig) for column, kind in part.kinds.items()}


def joined(parts: Sequence[tuple[str, Any]]) -> Any:
    """Return the settings of several kinds of input, by name."""

    def sections(which: str) -> Any:
        classes = {name: vars(settings)[which] for name, settings in parts}
        needed = {name: any(field.is_required() for field in kind.model_fields.values()) for name, kind in classes.items()}
        return {name: (kind, Field() if needed[name] else Field(default_factory=kind)) for name, kind in classes.items()}

    return SimpleNamespace(
        MODEL=create_model("FusedModelConfig", __base__=FusedModelConfig, **sections("MODEL")),
        PREPARE=create_model("FusedPrepareConfig", __base__=FusedPrepareConfig, **sections("PREPARE")),
    )
