"""Read params.yaml as one frozen, validated Config."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self, Union, get_args

from pydantic import BaseModel, Field, SerializeAsAny, Tag, ValidationError, create_model, field_validator, model_validator
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML

from goldfold.config.data import CompetitionConfig, PrepareConfig, SplitConfig
from goldfold.config.learning import REFIT, FoldConfig, require_transforms
from goldfold.config.older import is_older
from goldfold.config.recipe import read_yaml
from goldfold.config.runtime import RuntimeConfig
from goldfold.config.section import Component, Section
from goldfold.errors import InputError
from goldfold.files import written_whole
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
    "project",
    "mask",
)
"""The steps of post-processing; see goldfold.inference.steps."""
PLAINER = {"greater than or equal to": "at least", "less than or equal to": "at most", "a valid tuple": "a list"}


class ValidateConfig(Section):
    """How the out-of-fold predictions are scored."""

    bootstrap: int = Field(1000, ge=10, le=1_000_000)
    """Resamples of the out-of-fold rows for the interval of the score."""
    confidence: float = Field(0.95, gt=0, lt=1)
    """The share of the resampled scores that the interval holds."""
    worst: int = Field(50, ge=1)
    """How many of the worst errors to list."""
    postprocess: Literal["auto"] | tuple[Component, ...] = ()
    """Steps that turn predictions into better answers, fitted to out-of-fold rows and scored nested: threshold, label_thresholds,
    binarise, class_weights, cut_points, temperature, clip, rank, new_class, confidence, project, mask; auto takes those that suit
    the metric."""

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


class RefitConfig(Section):
    """Models on all rows, beside those of the folds: each counts as one more of them in the average over the test rows."""

    seeds: int = Field(1, ge=1, le=1000)
    """How many are trained, by the seeds 0, 1, …"""


class PredictConfig(Section):
    """How models predict, out-of-fold rows and test rows alike."""

    average: Scale = "predictions"
    """What is averaged over folds, seeds, checkpoints and test-time augmentation: predictions, their logits, or their ranks among
    the rows (for metrics of the order alone)."""
    clip: tuple[float, float] | None = None
    """The least and the greatest value of a regression's target: predictions beyond them become these, [1, 100]."""
    tta: tuple[Component, ...] = ()
    """Test-time augmentation: transforms of albumentations, each of which adds a prediction of every row to the average. They
    always apply, whatever their p."""
    batch_size: int | None = Field(None, ge=1)
    """Rows per step; by default train.batch_size."""
    refit: RefitConfig | None = None
    """Models that are trained on all rows after the folds, for as many epochs (boosted trees: rounds) as were best in these on
    average, and predict the test rows beside them. Nothing validates them: the CV is that of the folds alone."""

    @property
    def refits(self) -> tuple[int, ...]:
        """The seeds of the models on all rows."""
        return tuple(range(self.refit.seeds)) if self.refit else ()

    @field_validator("clip")
    @classmethod
    def _low_before_high(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value and not value[0] < value[1]:
            raise ValueError(f"give the lower bound first: [{value[1]:g}, {value[0]:g}]")
        return value


class Config(FoldConfig):
    """All of params.yaml except what the kind of input adds to `model` and `prepare`; see `config_class`."""

    competition: CompetitionConfig
    split: SplitConfig = SplitConfig()
    prepare: SerializeAsAny[PrepareConfig]
    validate_: ValidateConfig = Field(ValidateConfig(), alias="validate")
    predict: PredictConfig = PredictConfig()
    runtime: RuntimeConfig = RuntimeConfig()

    @model_validator(mode="after")
    def _rows_can_be_changed_at_test_time(self) -> Self:
        require_transforms("predict.tta", self.predict.tta, self.model.tta)
        return self

    @model_validator(mode="after")
    def _refits_need_no_validation(self) -> Self:
        if self.predict.refit and self.train.scheduler.name == "ReduceLROnPlateau":
            raise ValueError(
                "predict.refit: ReduceLROnPlateau goes by validation rows, which a refit has none of; choose another"
            )
        return self

    @property
    def trainings(self) -> list[tuple[int, int]]:
        """All trainings of a `dvc repro`, as fold and seed: each fold with each seed, and the refits."""
        folds = [(fold, seed) for fold in self.split.folds for seed in self.train.seeds]
        return folds + [(REFIT, seed) for seed in self.predict.refits]

    @model_validator(mode="after")
    def _devices_have_rows(self) -> Self:
        devices, rows = self.runtime.devices_per_job, self.train.batch_size
        if devices > 1 and rows < 2 * devices:
            raise ValueError(f"train.batch_size: {rows} has fewer than two rows for each of {devices} devices_per_job")
        return self


def config_class(*modalities: str) -> type[Config]:
    """Return the Config of a kind of input; of several, one that takes any of them, for a schema."""
    settings = [modality_part(modality, "settings") for modality in modalities]
    return _config_class(*(tuple(vars(kind)[name.upper()] for kind in settings) for name in ("model", "prepare")))


@lru_cache(maxsize=64)
def _config_class(*sections: tuple[type[Section], ...]) -> type[Config]:
    """Return the Config whose sections `model` and `prepare` are of one of these classes each; making it takes a while."""
    fields: dict[str, Any] = {}
    for name, kinds in zip(("model", "prepare"), sections, strict=True):
        complete = not any(field.is_required() for field in kinds[0].model_fields.values())
        fields[name] = (Union[tuple(kinds)], Field(default_factory=kinds[0]) if complete else Field())  # noqa: UP007
    # Those of the two have no docstrings here, which pydantic looks for among all modules.
    return create_model("Config", __base__=Config, __cls_kwargs__={"use_attribute_docstrings": False}, **fields)


def parse_fold_config(tree: Any, modality: str) -> FoldConfig:
    """Return the sections that a checkpoint keeps as a FoldConfig."""
    model = modality_part(modality, "settings").MODEL
    return FoldConfig.model_validate({**tree, "model": model.model_validate(tree["model"])})


def load_config(path: Path = Path("params.yaml")) -> Config:
    """Read and check params.yaml; raises InputError with each wrong key and value."""
    if not path.is_file():
        raise InputError(f"there is no {path} in {Path.cwd()}", mend="run this in the root of the repository")
    return parse_config(read_yaml(path), str(path))


def save_config(config: Config, path: Path) -> None:
    """Write all settings, the defaults too, as YAML."""
    yaml = YAML(typ="safe")
    yaml.default_flow_style, yaml.allow_unicode = False, True
    with written_whole(path) as draft, draft.open("w", encoding="utf-8") as file:
        yaml.dump(config.model_dump(mode="json", by_alias=True), file)


def parse_config(tree: Any, source: str = "params.yaml") -> Config:
    """Check the tree of params.yaml; raises InputError with each wrong key and value."""
    if not isinstance(tree, dict):
        raise InputError(f"{source} holds no settings", mend="restore it: git restore params.yaml")
    messages = wrong_settings(tree)
    if not messages:
        return _class_for(tree).model_validate(tree)
    modality = _modality(tree)
    mend = "correct them; params.schema.json lists every key"
    if is_older(tree):
        mend = "goldfold migrate takes an older file along (--dry-run shows how)"
    elif modality != "image" and any(
        message.startswith(("model.", "prepare.")) and "no such key" in message for message in messages
    ):
        mend = f"correct them; for {modality} the sections model and prepare have other keys ({{}} is all defaults)"
    raise InputError(f"{source} has {len(messages)} wrong setting{'s' * (len(messages) > 1)}", messages, mend)


def wrong_settings(tree: Any) -> list[str]:
    """Return a message for each wrong key and value in the tree of params.yaml."""
    config = _class_for(tree)
    try:
        config.model_validate(tree)
    except ValidationError as error:
        return [_message(problem, config) for problem in errors_of(error)]
    return []


def _class_for(tree: Any) -> type[Config]:
    return config_class(_modality(tree))


def _modality(tree: Any) -> str:
    section = tree.get("competition")
    return str(section.get("modality", "image") if isinstance(section, dict) else "image")


def _message(problem: Any, config: type[Config]) -> str:
    """Return one line for a pydantic error: the key, what is wrong with it, and what it could be."""
    # Where a value has several types, pydantic adds the one that it tried to the key, as literal[…] or tuple[…].
    keys = [str(part) for part in problem["loc"] if "[" not in str(part)]
    key = ".".join(keys) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such key{nearest(keys[-1], _known_keys(keys[:-1], config))}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing"
    return f"{key}: {reason(problem)}"


def errors_of(error: ValidationError) -> list[Any]:
    """Return the errors of a validation, without lists that pydantic calls too short for having dropped their wrong entries."""
    problems: list[Any] = error.errors()
    return [item for item in problems if item["type"] != "too_short" or len(item["input"]) < item["ctx"]["min_length"]]


def reason(problem: Any) -> str:
    """Return what is wrong with the value of a pydantic error, in plain words."""
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    if problem["type"] == "too_short":
        message = f"should have {problem['ctx']['min_length']} or more entries"
    elif problem["type"].endswith(("_parsing", "_from_float")):
        message = message.partition(", ")[0]
    elif problem["type"] == "model_type":
        message = "should be a section" if problem["ctx"]["class_name"] != "Component" else "should be a name, or a section"
    for words, plainer in PLAINER.items():
        message = message.replace(words, plainer)
    value = problem["input"]
    return message if isinstance(value, dict | None) else f"{message}, not {value!r:.100}"


def _known_keys(section: list[str], config: type[BaseModel]) -> list[str]:
    """Return the keys that a section has, or where it may be one of several, all of theirs."""
    sections = {"": config}
    for key in section:
        fields = [named[key] for named in map(_fields, sections.values()) if key in named]
        if fields:
            sections = {name: kind for field in fields for name, kind in _sections(field.annotation).items()}
        elif key in sections:
            sections = {key: sections[key]}
        # What else there is in a key is a place in a list.
    return list({name: None for kind in sections.values() for name in _fields(kind)})


def _fields(section: type[BaseModel]) -> dict[str, FieldInfo]:
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _sections(annotation: Any, tag: str = "") -> dict[str, type[BaseModel]]:
    """Return the sections that a value may hold, by what pydantic adds to the key of one of several: its tag, or its class."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {tag or annotation.__name__: annotation}
    tags = [str(mark.tag) for mark in getattr(annotation, "__metadata__", ()) if isinstance(mark, Tag)]
    return {name: kind for part in get_args(annotation) for name, kind in _sections(part, *tags).items()}
