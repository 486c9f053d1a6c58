"""Base classes of the sections of params.yaml, and the types of their values."""

import json
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Seed = Annotated[int, Field(ge=0, lt=2**32, strict=True)]
"""What NumPy and scikit-learn take for a seed."""


def plain(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments of a library; raises ValueError for values that a checkpoint could not keep as JSON, as dates."""
    for name, value in arguments.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError):
            kinds = "numbers, texts, true, false, null, and lists and sections of them"
            raise ValueError(f"{name} is {value!r}, and arguments are {kinds}") from None
    return arguments


Arguments = Annotated[dict[str, Any], AfterValidator(plain)]
"""What is passed on to a library, as JSON holds it."""


class Section(BaseModel):
    """A section of params.yaml: frozen, refusing unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


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

    @model_validator(mode="after")
    def _plain(self) -> Self:
        plain(self.args)
        return self

    @property
    def args(self) -> dict[str, Any]:
        """The arguments beside the name."""
        return dict(self.model_extra or {})
