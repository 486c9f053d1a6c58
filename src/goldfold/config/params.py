"""params.yaml as one frozen, validated Config; nothing else reads params.yaml."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from goldfold.config.data import CompetitionConfig, PrepareConfig, SplitConfig
from goldfold.config.learning import FoldConfig
from goldfold.config.section import Component, Section
from goldfold.errors import InputError
from goldfold.imports import nearest


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


class PredictConfig(Section):
    """The prediction of the test set."""

    average: Literal["arithmetic", "geometric"] = "arithmetic"
    """How the folds' probabilities are averaged (values of a regression are averaged arithmetically either way)."""
    tta: tuple[Component, ...] = ()
    """Test-time augmentation: transforms of albumentations, each of which gives one more prediction of every test row, to be
    averaged with that of the row as it is. They always apply; p is not read."""
    batch_size: int | None = Field(None, ge=1)
    """Rows per step; by default train.batch_size."""


class Config(FoldConfig):
    """All of params.yaml."""

    competition: CompetitionConfig
    split: SplitConfig = SplitConfig()
    prepare: PrepareConfig = PrepareConfig()
    validate_: ValidateConfig = Field(ValidateConfig(), alias="validate")
    predict: PredictConfig = PredictConfig()


def load_config(path: Path = Path("params.yaml")) -> Config:
    """Read and check params.yaml; raises InputError that names each wrong key and value."""
    if not path.is_file():
        raise InputError(f"there is no {path} in {Path.cwd()}", mend="run this in the root of the repository")
    try:
        tree = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise InputError(f"{path} is no YAML: line {line}: {error.problem}", mend="correct that line") from None
    return parse_config(tree, str(path))


def parse_config(tree: Any, source: str = "params.yaml") -> Config:
    """Check the tree of params.yaml; raises InputError that names each wrong key and value."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        places = [_told(problem) for problem in error.errors()]
    raise InputError(
        f"{source} has {len(places)} wrong setting{'s' * (len(places) > 1)}",
        places,
        "correct them; params.schema.json and the README list every key",
    )


def _told(problem: Any) -> str:
    """One line for one pydantic error: the key, what is wrong with it, and what it could be."""
    keys = [str(part) for part in problem["loc"]]
    key = ".".join(keys) or "the file"
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such key{nearest(keys[-1], _known_keys(keys[:-1]))}"
    if problem["type"] == "missing":
        return f"{key}: this key is missing"
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    given = problem["input"]
    return f"{key}: {message}" + ("" if isinstance(given, dict | None) else f", not {given!r}")


def _known_keys(section: list[str]) -> list[str]:
    model: Any = Config
    for key in section:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        model = fields[key].annotation
    return [field.alias or name for name, field in model.model_fields.items()]
