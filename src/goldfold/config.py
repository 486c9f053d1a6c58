"""params.yaml as one frozen, validated Config; nothing else reads params.yaml."""

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from goldfold.errors import InputError
from goldfold.imports import nearest

Task = Literal["binary", "multiclass", "multilabel", "regression"]
Answer = Literal["label", "probability", "value"]


class Section(BaseModel):
    """A section of params.yaml: frozen, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Component(BaseModel):
    """Something with a name, and the arguments that are passed through to it."""

    model_config = ConfigDict(frozen=True, extra="allow", use_attribute_docstrings=True)

    name: str
    """A name that the library knows, or the import path of your own: `own.module:Name`."""

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @property
    def args(self) -> dict[str, Any]:
        """The arguments beside the name."""
        return dict(self.model_extra or {})


class CompetitionConfig(Section):
    """The files that the organisers gave us. Everything but `path` is worked out from them where it is left out."""

    path: str
    """The competition's folder."""
    name: str | None = None
    """The competition's name, which is also the MLflow experiment's; by default the folder's name."""
    modality: Literal["image"] = "image"
    """The kind of input that the model reads."""
    train: str | None = None
    """The training table in `path`; by default train.csv, and without one the folders of images are read."""
    test: str | None = None
    """The test table in `path`; by default test.csv, else the ids of the sample submission, else the test images."""
    sample_submission: str | None = None
    """The sample submission in `path`; by default the CSV whose name holds `submission`."""
    id: str | None = None
    """The id column of the tables."""
    target: str | tuple[str, ...] | None = None
    """The target column, or columns."""
    classes: tuple[str, ...] | None = None
    """The classes in order; the second of two is the positive one. By default sorted."""
    task: Task | None = None
    """What is predicted."""
    metric: str | None = None
    """The competition's metric: a name in goldfold.metrics, or the import path of your own `Metric`."""
    answer: Answer | None = None
    """What the submission holds."""
    images: str | None = None
    """Where a row's image is, as a template over its columns: `images/{id}_frontal.jpg`. By default found by its id."""
    file_pattern: str | None = None
    r"""Without a training table: a regular expression whose named groups are columns read from each image's path,
    `(?P<label>cat|dog)\.\d+\.jpg`."""
    test_fraction: float = Field(0.1, gt=0, lt=1)
    """The share of the images that is held out as the test set where the competition ships none."""
    solution: str | None = None
    """A table of the test labels, for the local scorer alone; no stage reads it."""


class SplitConfig(Section):
    """How the training rows are split into folds."""

    strategy: Literal["stratified", "kfold", "group", "stratified_group", "time", "holdout", "column"] = "stratified"
    """stratified keeps the share of each class (of each label of a multilabel task, of each quantile of a regression);
    group keeps the rows of a group together; time validates each fold on rows later than its training rows; holdout
    validates on one part only; column takes the folds that you bring."""
    n_folds: int = Field(5, ge=1)
    """The number of folds to split into (1 for holdout)."""
    folds: tuple[int, ...] = Field((0, 1, 2, 3, 4), min_length=1)
    """The folds to train, each a DVC stage of its own."""
    group: str | None = None
    """The column whose equal values stay in one fold; it applies to group, stratified_group and holdout."""
    time: str | None = None
    """The column that orders the rows in time."""
    column: str | None = None
    """The training table's column that holds each row's fold; -1 is always trained on and never validated."""
    holdout: float = Field(0.2, gt=0, lt=1)
    """The share of the rows that a holdout validates on."""
    seed: int = Field(0, ge=0)
    """Seeds the split, and nothing else."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.folds)) < len(self.folds) or min(self.folds) < 0:
            raise ValueError(f"folds {list(self.folds)} must be different numbers from 0 up")
        if self.strategy == "holdout" and (self.n_folds, self.folds) != (1, (0,)):
            raise ValueError("strategy holdout has one fold: set n_folds: 1 and folds: [0]")
        if self.strategy != "holdout" and self.n_folds < 2:
            raise ValueError("n_folds must be at least 2 (one split is strategy: holdout)")
        if self.strategy != "column" and max(self.folds) >= self.n_folds:
            raise ValueError(f"folds {list(self.folds)} go beyond n_folds: {self.n_folds}; the last fold is {self.n_folds - 1}")
        needed = {"group": "group", "stratified_group": "group", "time": "time", "column": "column"}.get(self.strategy)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"strategy {self.strategy} needs the name of a column in split.{needed}")
        if self.group and self.strategy not in ("group", "stratified_group", "holdout"):
            raise ValueError(f"group is set, but strategy {self.strategy} would split the groups; use stratified_group")
        return self


class PrepareConfig(Section):
    """The cache of resized images."""

    image_size: int = Field(256, ge=1)
    """The shorter side of an image in the cache, in pixels; larger images are shrunk to it, smaller ones kept."""
    bad_images: Literal["error", "blank"] = "error"
    """What to do with an image that cannot be decoded: stop, or put a black one in its place and say so."""
    workers: int | None = Field(None, ge=1)
    """Decoding threads; by default one per CPU core."""


class ModelConfig(Section):
    """The network."""

    name: str
    """A timm backbone."""
    pretrained: bool = False
    """Start from timm's pretrained weights: those of `weights`, else downloaded once from the Hugging Face hub."""
    weights: str | None = None
    """A file with the backbone's pretrained weights, in timm's naming."""
    image_size: int | None = Field(None, ge=8)
    """The side of the square that the network sees, in pixels; by default the backbone's own."""
    freeze_batch_norm: bool = False
    """Keep the batch norms, statistics and weights, as they were pretrained: for small batches and little data."""
    args: dict[str, Any] = {}
    """Arguments of timm.create_model, such as drop_rate or drop_path_rate."""

    @model_validator(mode="after")
    def _weights_are_used(self) -> Self:
        if self.weights and not self.pretrained:
            raise ValueError("weights are given but pretrained is false; set pretrained: true to start from them")
        if self.freeze_batch_norm and not self.pretrained:
            raise ValueError("freeze_batch_norm keeps what was pretrained, but pretrained is false")
        return self


class TrainConfig(Section):
    """The training of one fold."""

    epochs: int = Field(10, ge=1)
    """Passes over the training rows."""
    batch_size: int = Field(64, ge=1)
    """Rows per optimisation step, and per step of prediction."""
    lr: float = Field(1e-3, gt=0)
    """The optimiser's learning rate; the peak of a OneCycleLR."""
    weight_decay: float = Field(0.05, ge=0)
    """The optimiser's weight decay, not applied to biases and norms."""
    optimizer: Component = Component(name="adamw")
    """An optimiser of timm (which has torch's), with its arguments."""
    scheduler: Component = Component(name="CosineAnnealingLR")
    """A scheduler of torch.optim.lr_scheduler with its arguments. One that needs its length (total_steps, T_max) and is
    not given it spans the training and moves each batch; every other one moves each epoch."""
    warmup_epochs: float = Field(0, ge=0)
    """Epochs in which the learning rate rises linearly from zero, before the scheduler starts."""
    loss: Component | None = None
    """A loss of torch.nn or timm.loss with its arguments; by default BCEWithLogitsLoss, CrossEntropyLoss or MSELoss."""
    target_transform: Literal["auto", "none", "log1p"] = "auto"
    """What a regression learns: the value, or log1p of it (auto: log1p where the metric is a log error). Either is
    standardised over the fold's training rows."""
    clip_grad: float | None = Field(None, gt=0)
    """The largest norm of the gradients."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """auto is bf16 or fp16 on a GPU, whichever it has, and fp32 on a CPU."""
    monitor: Literal["metric", "loss"] = "metric"
    """What decides which epoch's checkpoint is the best, on the fold's validation rows."""
    patience: int | None = Field(None, ge=1)
    """Epochs without a better checkpoint after which the fold stops."""
    workers: int | None = Field(None, ge=0)
    """Loader processes; by default as many as help on this machine."""
    seed: int = Field(0, ge=0)
    """Seeds the weights, the order of the rows and their augmentation."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs: {self.warmup_epochs} must be fewer than epochs: {self.epochs}")
        if self.warmup_epochs and self.scheduler.name == "OneCycleLR":
            raise ValueError("OneCycleLR warms up by itself (pct_start); set warmup_epochs: 0")
        return self


class ValidateConfig(Section):
    """The judgement of the out-of-fold predictions."""

    bootstrap: int = Field(1000, ge=10)
    """Resamples of the out-of-fold rows behind the interval of the score."""
    confidence: float = Field(0.95, gt=0, lt=1)
    """The share of the resampled scores that the interval holds."""
    worst: int = Field(50, ge=1)
    """How many of the worst errors to list."""


class PredictConfig(Section):
    """The prediction of the test set."""

    average: Literal["arithmetic", "geometric"] = "arithmetic"
    """How the folds' probabilities are averaged (values of a regression are averaged arithmetically either way)."""
    batch_size: int | None = Field(None, ge=1)
    """Rows per step; by default train.batch_size."""


class FoldConfig(Section):
    """The sections that a fold is trained by; its checkpoint keeps them."""

    model: ModelConfig
    augment: tuple[Component, ...] = ()
    """albumentations transforms of the training images, in order, with their arguments."""
    train: TrainConfig = TrainConfig()


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
