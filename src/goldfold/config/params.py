"""params.yaml as one frozen, validated Config; nothing else reads params.yaml."""

from pathlib import Path
from typing import Any, Literal, Self, Union

from pydantic import BaseModel, Field, SerializeAsAny, ValidationError, create_model, field_validator, model_validator

from goldfold.config.data import CompetitionConfig, PrepareConfig, SplitConfig
from goldfold.config.learning import FoldConfig, require_transforms
from goldfold.config.recipe import read_yaml
from goldfold.config.section import Component, Section
from goldfold.errors import InputError
from goldfold.imports import modality_part, nearest

Scale = Literal["predictions", "logits", "ranks"]
STEPS = (
    "threshold",
    "label_thresholds",
    "binarise",
    "class_weights",
    "cut_points",
    "temperature",
    "clip",
    "rank",
    "new_class",
    "confidence",
)
"""The steps of post-processing, see goldfold.inference.steps."""


class ValidateConfig(Section):
    """The judgement of the out-of-fold predictions."""

    bootstrap: int = Field(1000, ge=10)
    """Resamples of the out-of-fold rows behind the interval of the score."""
    confidence: float = Field(0.95, gt=0, lt=1)
    """The share of the resampled scores that the interval holds."""
    worst: int = Field(50, ge=1)
    """How many of the worst errors to list."""
    postprocess: Literal["auto"] | tuple[Component, ...] = ()
    """What predictions are changed by before they are answered, fitted to out-of-fold rows and judged nested: threshold,
    label_thresholds, binarise, class_weights, cut_points, temperature, clip, rank, new_class, confidence; auto is what the metric
    asks for, if anything."""

    @field_validator("postprocess", mode="before")
    @classmethod
    def _known_steps(cls, value: Any) -> Any:
        if not isinstance(value, list | tuple) and value != "auto":
            raise ValueError("give auto, or a list of steps as [{name: temperature}]")
        names = [step.get("name") if isinstance(step, dict) else step for step in value] if value != "auto" else []
        unknown = [name for name in names if isinstance(name, str) and name not in STEPS]
        if unknown:
            raise ValueError(f"there is no step {unknown[0]}{nearest(unknown[0], STEPS)}; the steps are {', '.join(STEPS)}")
        return value


class PredictConfig(Section):
    """How models predict: out-of-fold rows, which validate judges, and the test set alike."""

    average: Scale = "predictions"
    """What is averaged over folds, seeds, checkpoints and changed rows: predictions as they are, their logits, or their ranks
    among the rows (where the metric sees their order alone)."""
    tta: tuple[Component, ...] = ()
    """Test-time augmentation: transforms of albumentations, each of which gives one more prediction of every row, to be
    averaged with that of the row as it is. They always apply; p is not read."""
    batch_size: int | None = Field(None, ge=1)
    """Rows per step; by default train.batch_size."""


class Config(FoldConfig):
    """All of params.yaml, but for what the kind of input adds to `model` and `prepare`; see `config_class`."""

    competition: CompetitionConfig
    split: SplitConfig = SplitConfig()
    prepare: SerializeAsAny[PrepareConfig]
    validate_: ValidateConfig = Field(ValidateConfig(), alias="validate")
    predict: PredictConfig = PredictConfig()

    @model_validator(mode="after")
    def _rows_can_be_changed_at_test_time(self) -> Self:
        require_transforms("predict.tta", self.predict.tta, self.model.tta)
        return self


def config_class(*modalities: str) -> type[Config]:
    """The Config of a kind of input; of any one of several, for a schema."""
    settings = [modality_part(modality, "settings") for modality in modalities]
    fields: dict[str, Any] = {}
    for name in ("model", "prepare"):
        kinds = [vars(kind)[name.upper()] for kind in settings]
        complete = not any(field.is_required() for field in kinds[0].model_fields.values())
        fields[name] = (Union[tuple(kinds)], Field(default_factory=kinds[0]) if complete else Field())  # noqa: UP007
    return create_model("Config", __base__=Config, **fields)


def parse_fold_config(tree: Any, modality: str) -> FoldConfig:
    """The sections that a checkpoint keeps, as a FoldConfig."""
    model = modality_part(modality, "settings").MODEL
    return FoldConfig.model_validate({**tree, "model": model.model_validate(tree["model"])})


def load_config(path: Path = Path("params.yaml")) -> Config:
    """Read and check params.yaml; raises InputError that names each wrong key and value."""
    if not path.is_file():
        raise InputError(f"there is no {path} in {Path.cwd()}", mend="run this in the root of the repository")
    return parse_config(read_yaml(path), str(path))


def parse_config(tree: Any, source: str = "params.yaml") -> Config:
    """Check the tree of params.yaml; raises InputError that names each wrong key and value."""
    if not isinstance(tree, dict):
        raise InputError(f"{source} holds no settings", mend="restore it: git restore params.yaml")
    places = wrong_settings(tree)
    if not places:
        return _class_for(tree).model_validate(tree)
    modality = _modality(tree)
    mend = "correct them; params.schema.json and the README list every key"
    if modality != "image" and any(line.startswith(("model.", "prepare.")) and "no such key" in line for line in places):
        mend = f"correct them; the sections model and prepare have keys of their own for {modality}: {{}} is all defaults"
    raise InputError(f"{source} has {len(places)} wrong setting{'s' * (len(places) > 1)}", places, mend)


def wrong_settings(tree: Any) -> list[str]:
    """A line for each wrong key and value in the tree of params.yaml."""
    config = _class_for(tree)
    try:
        config.model_validate(tree)
    except ValidationError as error:
        return [_message(problem, config) for problem in error.errors()]
    return []


def _class_for(tree: Any) -> type[Config]:
    return config_class(_modality(tree))


def _modality(tree: Any) -> str:
    section = tree.get("competition")
    return str(section.get("modality", "image") if isinstance(section, dict) else "image")


def _message(problem: Any, config: type[Config]) -> str:
    """One line for one pydantic error: the key, what is wrong with it, and what it could be."""
    # Pydantic names each kind that a value could be, as literal[…] or tuple[…], where there are several.
    keys = [str(part) for part in problem["loc"] if "[" not in str(part)]
    key = ".".join(keys) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such key{nearest(keys[-1], _known_keys(keys[:-1], config))}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("a valid tuple", "a list")
    value = problem["input"]
    return f"{key}: {message}" + ("" if isinstance(value, dict | None) else f", not {value!r}")


def _known_keys(section: list[str], config: type[BaseModel]) -> list[str]:
    model: Any = config
    for key in section:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = fields[key].annotation
    return [field.alias or name for name, field in model.model_fields.items()]
