"""Base classes of the sections of params.yaml."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A section of params.yaml: frozen, refusing unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Component(BaseModel):
    """Something with a name, and the arguments that are passed on to it."""

    model_config = ConfigDict(
        frozen=True, extra="allow", use_attribute_docstrings=True, json_schema_extra={"type": ["object", "string"]}
    )

    name: str
    """A name in the library, or the import path of your own: `own.module:Name`."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def args(self) -> dict[str, Any]:
        """The arguments beside the name."""
        return dict(self.model_extra or {})
