"""The sections about the competition's data: competition, split, prepare."""

import re
import string
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from goldfold.config.learning import REFIT
from goldfold.config.section import Component, Section, Seed

Task = Literal["binary", "multiclass", "multilabel", "regression", "masks"]
Kind = Literal["number", "boolean", "category", "date", "time", "duration", "text"]
"""What the cells of a column are."""
MOST_FOLDS = 10_000
LARGEST = 1e150
"""The largest number that is learned from: its square is a number too."""
Summary = Literal["count", "mean", "deviation", "min", "max", "sum", "last", "distinct"]
"""What is taken of several rows: their number, of numbers a summary, of any column the last value or how many differ."""
Answer = Literal["label", "probability", "value", "ranking", "set", "confidence", "mask"]


def _whole_template(template: str) -> str:
    """Return a template over columns; raises ValueError for one whose braces do not pair or that converts, {id!r}."""
    if not template:
        raise ValueError("is empty; leave it out")
    if any(conversion for _, _, _, conversion in string.Formatter().parse(template)):
        raise ValueError("a field is a column's name, with a format at most, {id} or {id:03d}")
    return template


Template = Annotated[str, AfterValidator(_whole_template)]


class FileTemplates(Section):
    """Where a row's file is, its image or sound, for each table; one that is left out is found by its id."""

    train: Template | None = None
    """The template of the training rows, `train/{id}.jpg`."""
    test: Template | None = None
    """The template of the test rows."""


class Extra(Section):
    """More training rows, trained on in every fold and never validated."""

    model_config = ConfigDict(json_schema_extra={"type": ["object", "string"]})

    path: str = Field(min_length=1)
    """A table in the competition's folder with the columns of the training table, or a folder with its own class folders."""
    weight: float = Field(1.0, gt=0)
    """How much each of its rows counts beside a row of the training table, which counts 1."""

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, str) else value


class Join(Section):
    """A table that is joined to the rows."""

    model_config = ConfigDict(json_schema_extra={"type": ["object", "string", "array"]})

    by: tuple[str, ...] = Field(min_length=1)
    """The key: the column, or columns, that both have."""
    beside: tuple[str, ...] = ()
    """The tables with the rest of its rows, such as those of the test rows."""
    take: tuple[Summary, ...] = ()
    """Where the table has several rows for a key: what a row gets of each column of theirs, and their number, count."""

    @model_validator(mode="before")
    @classmethod
    def _key_alone(cls, value: Any) -> Any:
        return {"by": value} if isinstance(value, str | list | tuple) else value

    @field_validator("by", "beside", mode="before")
    @classmethod
    def _one(cls, names: Any) -> Any:
        return (names,) if isinstance(names, str) else names


class MaskConfig(Section):
    """How masks are written, where they are what is predicted: as run-length codes, as Kaggle has them, or in files (`masks`)."""

    order: Literal["columns", "rows"] = "columns"
    """Whether pixels are counted down the columns or along the rows."""
    start: Literal[0, 1] = 1
    """The number of the first pixel."""
    empty: str = ""
    """What an answer without a pixel is: an empty text, or "-1"."""
    per: Literal["image", "instance"] = "image"
    """Whether an answer has a row per image (and class), or one per connected part of a mask."""
    label: str | None = None
    """The column of the tables that says which class a code is of, where an image has a row per class; the sample submission has
    it too, unless its ids name the class (pair_id). Of mask files, the sample submission's column."""
    values: dict[str, str | None] = Field({})
    """Of mask files: the class that a pixel's value is, a number or a colour, {1: road, "#ff0000": car}, or null for the
    background; 0 and black are that. By default each value is a class of its own, and one alone is inside."""
    inside_from: int | None = Field(None, ge=1)
    """Of mask files of one class: from which value on a pixel is inside, where edges are soft (128) or instances numbered (1)."""
    missing: Literal["ask", "empty", "drop", "test"] = "ask"
    """What becomes of an image without a mask file: an empty mask, a row that is left out, or one of the test set."""

    @field_validator("values", mode="before")
    @classmethod
    def _texts(cls, values: Any) -> Any:
        return {str(value): name for value, name in values.items()} if isinstance(values, dict) else values

    @field_validator("values")
    @classmethod
    def _numbers_or_colours(cls, values: dict[str, str | None]) -> dict[str, str | None]:
        if wrong := [value for value in values if not re.fullmatch(r"\d{1,9}|#[0-9a-fA-F]{6}", value)]:
            raise ValueError(f"{wrong[0]} is neither a number nor a colour, such as #ff0000")
        if values and not any(values.values()):
            raise ValueError("names no class")
        return values

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.values and self.inside_from is not None:
            raise ValueError("values and inside_from are two ways to say what is inside: leave one out")
        return self


class CompetitionConfig(Section):
    """The files that the organisers gave us. Everything but `path` is worked out from them where it is left out."""

    path: str
    """The competition's folder."""
    name: str | None = None
    """The competition's name, which is also the MLflow experiment's; by default the folder's name."""
    kaggle: str | None = None
    """The competition's name on Kaggle, the last part of its address; none for one that is not there."""
    modality: str = "image"
    """The kind of input that the model reads: image, sound, table or text; masks, images whose pixels are predicted; several
    joined, image+table; or a package of your own, own.signal."""
    train: str | None = None
    """The training table in `path`, or its parts, train_*.csv; by default train.csv, else the folders of images or of sounds."""
    test: str | None = None
    """The test table in `path`; by default test.csv, else the ids of the sample submission, else the files of the test folder."""
    sample_submission: str | None = None
    """The sample submission in `path`; by default the CSV whose name holds `submission`."""
    header: bool = True
    """Whether the tables begin with the names of their columns; where they do not, they are called column1, column2, …"""
    encoding: str | None = None
    """What text tables that are not UTF-8 are written in, by its name in Python: cp1251, gb18030; by default worked out."""
    id: str | tuple[str, ...] | None = None
    """The id column of the tables, or the columns that are one together; by default the first one of the sample submission or
    of the test table. Where nothing tells and the first column cannot be it, the rows are numbered."""
    target: str | tuple[str, ...] | None = None
    """The target column, or columns."""
    classes: tuple[str, ...] | None = None
    """The classes in order; the second of two is the positive one. By default sorted."""
    labels: dict[str, str] = Field({})
    """What labels of the training table are called, by the label as it is written there, where the sample submission spells them
    otherwise or two spellings are one label: {Yes: Y, No: N}."""
    missing: tuple[str, ...] = ()
    """Further texts of cells that mean a missing value, such as "-999"."""
    task: Task | None = None
    """What is predicted. With one target column, multilabel reads each row's labels from it (separated by commas or spaces);
    with several, multiclass takes them for each class's votes; masks are run-length codes."""
    metric: Component | None = None
    """The competition's metric: a name in goldfold.metrics, or the import path of your own `Metric`, with its arguments."""
    answer: Answer | None = None
    """What the submission holds: ranking is a text of labels, best first; set one of those that pass; confidence a value and
    how sure it is; mask a run-length code."""
    answer_id: Template | None = None
    """Where several rows share an answer: the column that tells which, or a template over columns, `{patient}_{side}`."""
    aggregate: Literal["mean", "max"] = "mean"
    """What becomes of the predictions of rows that share an answer."""
    pair_id: Template | None = None
    """Where the sample submission has a row per id and label: how its ids are made, `{id}_{label}` or `{id}{label:02d}`."""
    mask: MaskConfig = MaskConfig()
    """How masks are written."""
    extra: Extra | tuple[Extra, ...] | None = None
    """More training rows, in `path`: tables or folders, each with the weight of its rows if that is not 1, `[original.csv, {path:
    synthetic.csv, weight: 0.3}]`. They are trained on in every fold and never validated."""
    join: dict[str, Join] = Field({})
    """Tables in `path` whose columns the rows get by a key that both have, each with the key's column or columns, {store.csv:
    Store}; of several rows for a key what to take of them, {visits.csv: {by: id, take: [count, mean, last]}}; and the table with
    the rest of its rows, {train_visits.csv: {by: id, beside: test_visits.csv}}."""
    images: Template | FileTemplates | None = None
    """Where a row's image is, as a template over its columns: `images/{id}_frontal.jpg`; or one for each table, `{train:
    "train/{id}.jpg", test: "test/{id}.jpg"}`. By default found by its id."""
    masks: Template | None = None
    """Where a row's mask file is, as a template over its columns, `masks/{id}.png`, or over its image's path: {stem} is the name
    without extension, {start} and {end} what is before its last and after its first _, {folder} the folder, {inner} its name,
    {above} the one that holds it, {side} the word in its folders that says train or test. {label} is the class that a file is
    of, and * matches any text, as of several files of one image. The files' extension does not matter. By default masks are
    codes in the target."""
    sounds: Template | FileTemplates | None = None
    """Where a row's sound is, in the same way: `audio/{id}.wav`."""
    file_pattern: str | None = None
    r"""Without a training table: a regular expression whose named groups are columns read from each file's path,
    `(?P<label>cat|dog)\.\d+\.jpg`."""
    links: bool = False
    """Follow links that lead out of the competition's folder."""
    test_fraction: float = Field(0.1, gt=0, lt=1)
    """The share of the rows that is held out as the test set where the competition ships none."""
    solution: str | None = None
    """A table of the test labels, for the local scorer alone; no stage reads it."""

    @field_validator("*")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if value == "":
            raise ValueError("is empty; leave it out")
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, encoding: str | None) -> str | None:
        try:
            b"".decode(encoding or "utf-8")
        except (LookupError, UnicodeError):
            raise ValueError(f"{encoding} is no encoding that Python knows, such as cp1251, gb18030 or utf-16-le") from None
        return encoding

    @field_validator("classes")
    @classmethod
    def _different(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if twice := [name for name in classes or () if (classes or ()).count(name) > 1]:
            raise ValueError(f"{twice[0]} is listed twice")
        return classes

    @property
    def extras(self) -> tuple[Extra, ...]:
        """What `extra` names, in order."""
        return (self.extra,) if isinstance(self.extra, Extra) else self.extra or ()

    def templates(self, key: str) -> FileTemplates:
        """The templates of both tables that a key, `images` or `sounds`, holds; none where there is no such key."""
        template: Any = getattr(self, key, None)
        return template if isinstance(template, FileTemplates) else FileTemplates(train=template, test=template)


class SplitConfig(Section):
    """How the training rows are split into folds."""

    strategy: Literal["stratified", "kfold", "group", "stratified_group", "time", "holdout", "column"] = "stratified"
    """stratified keeps the share of each class (of each label of a multilabel task, of each quantile of a regression);
    group keeps the rows of a group together; time validates each fold on rows later than its training rows; holdout
    validates on one part only; column takes the folds that you bring."""
    n_folds: int = Field(5, ge=1, le=MOST_FOLDS)
    """The number of folds to split into (1 for holdout)."""
    folds: tuple[Annotated[int, Field(ge=0, lt=REFIT, strict=True)], ...] = Field((0, 1, 2, 3, 4), min_length=1)
    """The folds to train."""
    group: str | None = None
    """The column whose equal values stay in one fold; it applies to group, stratified_group and holdout."""
    time: str | None = None
    """The column that orders the rows in time."""
    column: str | None = None
    """The training table's column that holds each row's fold; -1 is always trained on and never validated."""
    like: str | None = None
    """The folds that others share: kaggle-42 is scikit-learn's StratifiedKFold (for a regression KFold), shuffled by seed 42, on
    the training table in its order; kaggle-0 by seed 0. It takes the place of strategy and seed; n_folds says how many."""
    holdout: float = Field(0.2, gt=0, lt=1)
    """The share of the rows that a holdout validates on."""
    seed: Seed = 0
    """Seeds the split, and nothing else."""

    @field_validator("like")
    @classmethod
    def _known(cls, like: str | None) -> str | None:
        if like is not None and not re.fullmatch(r"kaggle-\d{1,9}", like):
            raise ValueError("give kaggle- and the seed of the folds, kaggle-42")
        return like

    @property
    def drawn_by(self) -> int:
        """The seed that shuffles the rows."""
        return int(self.like.removeprefix("kaggle-")) if self.like else self.seed

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.folds)) < len(self.folds):
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
        usual = type(self).model_fields
        others = [key for key in ("strategy", "seed", "time", "column") if getattr(self, key) != usual[key].default]
        if self.like and others:
            raise ValueError(f"like: {self.like} are folds by themselves, and {others[0]} asks for others; leave one out")
        return self


class PrepareConfig(Section):
    """What the prepared set holds; each kind of input has settings of its own beside these."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """What some columns are, where their cells are not to decide."""
        return {}

    rows: int | None = Field(None, ge=1)
    """Take about so many rows of the training table (of each class equally many) and of the test table only, to try the
    pipeline in seconds; the others' answers are the sample submission's."""
    audit: Literal["warn", "fail", "off"] = "warn"
    """Look for duplicates, leaks and conflicts in the data, and tell what is found; fail ends the stage where a score could not
    be trusted, and off looks for nothing."""
    duplicates: Literal["one_fold", "keep"] = "one_fold"
    """Confirmed duplicates among the training rows come into one fold, whatever the strategy, and other rows stay where they
    are; keep leaves them where the split has put them."""
