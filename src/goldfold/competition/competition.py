"""Competition: the organisers' files, read and checked."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from goldfold.competition import contract
from goldfold.competition import task as work_out
from goldfold.competition.classes import (
    asked_separator,
    columns_by_class,
    require_ordered,
    work_out_classes,
    work_out_grades,
    work_out_separator,
)
from goldfold.competition.decision import FROM_PARAMS, Decision, columns_read
from goldfold.competition.file_kind import kind_of_files
from goldfold.competition.files import Files, find_files
from goldfold.competition.ids import require_same_ids
from goldfold.competition.labels import as_the_sample, one_spelling, require_meant, truths_as_numbers
from goldfold.competition.layouts import MaskSize, Shipped, read_shipped
from goldfold.competition.mask_rows import require_fitting
from goldfold.competition.masks import asks_for_masks, form_of, why_masks, with_masks
from goldfold.competition.names import Names
from goldfold.competition.problem import Problem
from goldfold.competition.row_files import Part, RowFiles, files_of_kind, files_of_test_folder, find_row_files
from goldfold.competition.solution import Asked, solution_table
from goldfold.competition.tables import fields_of, require_columns, require_ids
from goldfold.config import CompetitionConfig, FileTemplates, Kind, PrepareConfig, Task
from goldfold.errors import InputError
from goldfold.metrics import Array, find_metric
from goldfold.schema import Schema, work_out_schema
from goldfold.tables import TextTable, header_guess, read_text_table


@dataclass(frozen=True)
class Competition:
    """The problem, the training and test tables, where each row's file is, and the sample submission.

    Tables keep every column that was shipped, as values by the `schema`; the last training rows are those of competition.extra,
    whose weights are `extra_weights`. The files of test rows lie where those of the `test_part` do: where the training rows'
    do if the test rows were held out. Ids are texts; the targets are texts (labels) or numbers. `sample` is the contract of the
    answer, as texts: its columns, their order and its ids. `masks` is the template of mask files, which are no row's image.
    """

    problem: Problem
    root: Path
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    templates: FileTemplates
    decisions: tuple[Decision, ...]
    schema: Schema
    extra_weights: Array = field(default_factory=lambda: np.ones(0))
    masks: str | None = None
    test_part: Part = "test"

    @property
    def extra(self) -> int:
        """How many of the training rows, the last ones, are those of competition.extra."""
        return len(self.extra_weights)

    @property
    def weights(self) -> Array | None:
        """How much each training row counts, (n,); None where all count alike."""
        if (self.extra_weights == 1).all():
            return None
        return np.concatenate([np.ones(len(self.train) - self.extra), self.extra_weights])

    def row_files(self) -> RowFiles:
        """The file of each training row, then of each test row, by the `templates` of the two tables; see `find_row_files`."""
        kind = kind_of_files(self.problem.modality)
        files, name = files_of_kind(self.root, kind, self.masks), self.problem.id
        train = find_row_files(self.train, name, self.root, files, self.templates.train, "train", kind)
        test = find_row_files(self.test, name, self.root, files, self.templates.test, self.test_part, kind)
        return RowFiles(kind, self.root, train.paths + test.paths, train.missing + test.missing, train.decisions + test.decisions)


def read_competition(
    config: CompetitionConfig, prepare: PrepareConfig | None = None, schema: Schema | None = None
) -> Competition:
    """Read the competition's files and work out what params.yaml leaves open.

    `prepare` may say what some columns are, where their cells are not to decide; a `schema` is used as it is. Raises InputError
    where the files disagree, and QuestionError for what they leave open.
    """
    files = find_files(config)
    why = why_masks(config)
    config, shipped = _rows_of(config, read_shipped(config, files, _sample(files, config.encoding)))
    names = shipped.names
    _require_rows(config, shipped)
    asked = shipped.sample
    if asked is not None and files.sample:
        ids = contract.ids_of(asked, names.keys)
        require_ids(pd.DataFrame({asked.columns[0]: ids}), asked.columns[0], files.sample)
    train, test, decisions = _test_rows(config, files, shipped, asked)
    train = pd.concat([train, shipped.extra], ignore_index=True)
    train, spelled = _as_the_sample(config, train, names, asked)
    problem, worked_out = _problem(config, train, shipped, asked)
    if problem.has_masks:
        worked_out[0] = replace(worked_out[0], why=why)
    if problem.has_numbers:
        train[list(names.targets)] = work_out.numeric_targets(train, names.targets, problem.task, str(shipped.source))
    require_columns(train.columns, problem.columns, str(shipped.source), "competition.metric")
    contract.require_shared(problem, train)
    if problem.pair_id and asked is not None:
        pairs = pd.Series(contract.pair_ids(problem, test[names.id]).to_numpy().ravel())
        require_same_ids(contract.ids_of(asked, names.keys), pairs, files.test or files.root)
    schema = _schema(config, shipped, prepare.kinds if prepare else {}) if schema is None else schema
    # A sample submission without a test table gives the test rows their ids and no other column.
    ids_alone = asked is not None and files.test is None
    sample_table = asked if asked is not None else contract.default_sample(test, problem)
    own = problem.with_own_names()
    renamed = [Decision("columns: renamed", own.spelled[name], f"{name} is a name of goldfold's own") for name in own.spelled]
    given = config.templates(kind_of_files(config.modality).plural)
    train_files, test_files = map(own.in_template, (shipped.templates.train, (given if ids_alone else shipped.templates).test))
    competition = Competition(
        problem=own,
        root=files.root,
        train=schema.read(train).rename(columns=own.spelled),
        test=schema.read(test).rename(columns=own.spelled),
        sample=sample_table,
        templates=FileTemplates(train=train_files, test=test_files),
        decisions=(*shipped.decisions, *decisions, *spelled, *worked_out, *renamed, *columns_read(schema.columns)),
        schema=schema,
        extra_weights=shipped.weights,
        masks=config.masks,
        test_part="train" if len(train) < len(shipped.train) + len(shipped.extra) else "test",
    )
    if shipped.mask_sizes:
        _require_fitting(competition, shipped.mask_sizes)
    return competition


def read_solution(
    config: CompetitionConfig, problem: Problem, sample: pd.DataFrame | None = None, test: pd.DataFrame | None = None
) -> pd.DataFrame | None:
    """The test labels for the local scorer: `competition.solution`, or those of the rows that goldfold held out.

    The sample submission and the test rows tell how the solution spells ids and answers.
    """
    if config.solution:
        asked = Asked.of(problem, sample, test) if sample is not None and test is not None else None
        return solution_table(Path(config.solution), problem, config.labels, asked, config.encoding)
    files = find_files(config)
    if files.sample or files.test:
        return None
    config, shipped = _rows_of(config, read_shipped(config, files, None))
    lists_no_labels = shipped.test is not None or _test_folder(config, files, shipped)
    if lists_no_labels and shipped.solution is None:
        return None
    solution = _held_out(shipped, config.test_fraction)[1] if shipped.solution is None else shipped.solution
    solution = solution.rename(columns=problem.spelled)
    if problem.has_numbers:
        solution[list(problem.targets)] = work_out.numeric_targets(solution, problem.targets, problem.task, str(shipped.source))
    return solution


def _rows_of(config: CompetitionConfig, shipped: Shipped) -> tuple[CompetitionConfig, Shipped]:
    """The rows with one spelling for each label, or with the codes of an image's masks in one row, and the settings for them."""
    if asks_for_masks(config, shipped):
        return with_masks(config, shipped)
    return config, _with_clean_labels(config, shipped)


def _with_clean_labels(config: CompetitionConfig, shipped: Shipped) -> Shipped:
    """The rows with one spelling for each label."""
    targets, rows = shipped.names.targets, len(shipped.train)
    both = pd.concat([shipped.train, shipped.extra], ignore_index=True)
    decisions: list[Decision] = []
    if len(targets) > 1:
        both[list(targets)], decisions = truths_as_numbers(both[list(targets)])
    separator = None
    for target in targets:
        labels = one_spelling(both[target], config.labels, config.task, _asked_texts(shipped))
        both[target], separator = labels.cells, labels.separator
        decisions += labels.decisions
    extra = both.iloc[rows:].reset_index(drop=True) if len(shipped.extra) else shipped.extra
    return replace(shipped, train=both.iloc[:rows], extra=extra, separator=separator, decisions=[*shipped.decisions, *decisions])


def _asked_texts(shipped: Shipped) -> set[str]:
    """The texts of the sample submission's answers, and its columns, which may be labels."""
    if shipped.sample is None:
        return set()
    asked = contract.asked_columns(shipped.sample, shipped.names.keys)
    return {*asked, *(text for name in asked[:1] for text in shipped.sample[name].unique())}


def _as_the_sample(
    config: CompetitionConfig, train: pd.DataFrame, names: Names, sample: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[Decision]]:
    """The training rows with their labels as the sample submission spells them, where it holds labels."""
    asked = contract.asked_columns(sample, names.keys) if sample is not None else []
    task = work_out.only_task(config)
    if len(names.targets) > 1 or task in ("regression", "multilabel", "masks"):
        return train, []
    target = train[names.targets[0]]
    needs = config.answer or (find_metric(config.metric.name).needs if config.metric else None)
    decisions: list[Decision] = []
    if sample is not None and len(asked) == 1 and not config.pair_id and needs in (None, "label", "ranking"):
        target, decisions = as_the_sample(target, sample[asked[0]], config.labels, only_labels=needs == "label")
    require_meant(target, config.labels, [*asked, *(sample[asked].to_numpy().ravel() if sample is not None else ())])
    return train.assign(**{names.targets[0]: target}), decisions


def _schema(config: CompetitionConfig, shipped: Shipped, kinds: Mapping[str, Kind]) -> Schema:
    """What the columns of the tables are, but ids and targets."""
    names = shipped.names
    given = config.templates(kind_of_files(config.modality).plural)
    templates = [given.train or "", given.test or "", names.template]
    named = [field for template in templates for field in fields_of(template)]
    apart = {names.id, *names.targets, *([names.answer] if names.answer else [])}
    tables = [replace(table, cells=table.cells.drop(columns=apart, errors="ignore")) for table in shipped.tables]
    return work_out_schema(tables, {name: kind for name, kind in kinds.items() if name not in apart}, named, config.missing)


def _require_fitting(competition: Competition, sizes: Mapping[str, MaskSize]) -> None:
    """Raise InputError for mask files of another size than their images, where these are found."""
    images: list[str] = []
    # Images that are not found are told by who reads them; init tries several templates.
    with suppress(InputError):
        images = competition.row_files().paths[: len(competition.train)]
    require_fitting(competition.root, list(competition.train[competition.problem.id])[: len(images)], images, sizes)


def _require_rows(config: CompetitionConfig, shipped: Shipped) -> None:
    """Raise InputError for training rows without a unique id or without targets."""
    names = shipped.names
    require_ids(shipped.train, names.id, shipped.source)
    if config.task == "masks":
        return
    if not ((config.task == "multilabel" or shipped.separator) and len(names.targets) == 1):
        work_out.require_targets(shipped.train, names.targets, names.id, str(shipped.source))
    if config.extras:
        where = ", ".join(str(Path(config.path) / extra.path) for extra in config.extras)
        work_out.require_targets(shipped.extra, names.targets, names.id, where)


def _sample(files: Files, encoding: str | None) -> TextTable | None:
    """The sample submission; raises InputError for one without names of its columns, which a submission has to have."""
    if files.sample is None:
        return None
    if not header_guess(files.sample, encoding).header:
        raise InputError(
            f"{files.sample} begins with a row, not with the names of its columns",
            mend="write a first line with the names that the competition's page shows",
        )
    return read_text_table(files.sample, encoding=encoding)


def _test_rows(
    config: CompetitionConfig, files: Files, shipped: Shipped, sample: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, Sequence[Decision]]:
    """The remaining training rows, the test rows in the order of the sample submission, and the decisions made."""
    names, train, test = shipped.names, shipped.train, shipped.test
    decisions = []
    in_folder = _test_folder(config, files, shipped) if test is None and sample is None else []
    if in_folder:
        test = pd.DataFrame({names.id: in_folder}, dtype="str")
        found = f"{len(test)} {kind_of_files(config.modality).plural}"
        decisions.append(Decision("test set", found, "those of the test folder, which no table lists"))
    elif test is None and sample is None:
        train, held = _held_out(shipped, config.test_fraction)
        test = held.drop(columns=list(names.targets))
        decisions.append(Decision("test set", f"{len(test)} rows", "held out, as the competition ships none"))
    elif sample is not None and not config.pair_id:
        if test is not None and files.test and not names.answer:
            require_ids(test, names.id, files.test)
        test, bridged = contract.test_as_asked(test, sample, names.keys, names.id, names.answer or names.id, files.test)
        if bridged:
            decisions.append(Decision("ids", "as the sample submission spells them", bridged))
    if test is None:
        raise InputError(f"competition.pair_id: {files.root} has no test table", mend="put test.csv there, or name it: test")
    if config.pair_id:
        test = test.drop_duplicates(names.id, ignore_index=True)
    require_ids(test, names.id, files.test or files.root)
    return train, test, decisions


def _test_folder(config: CompetitionConfig, files: Files, shipped: Shipped) -> list[str]:
    """The files of a test folder that no table lists."""
    return files_of_test_folder(files.root, shipped.train[shipped.names.id], kind_of_files(config.modality), config.masks)


def _held_out(shipped: Shipped, fraction: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a test set off the training rows, always the same one, stratified by class where possible."""
    from sklearn.model_selection import train_test_split

    train, labels = shipped.train, shipped.train[shipped.names.targets[0]]
    stratify = labels if labels.value_counts().min() > 1 and fraction * len(train) >= labels.nunique() else None
    kept, held = train_test_split(train, test_size=fraction, random_state=0, stratify=stratify)
    return kept.sort_index().reset_index(drop=True), held.sort_index().reset_index(drop=True)


def _problem(
    config: CompetitionConfig, train: pd.DataFrame, shipped: Shipped, sample: pd.DataFrame | None
) -> tuple[Problem, list[Decision]]:
    names, separator = shipped.names, shipped.separator
    answers = sample[contract.asked_columns(sample, names.keys)] if sample is not None else None
    targets = names.targets
    task: Task
    if separator and len(targets) == 1 and not config.task:
        task, task_why = "multilabel", Decision("task", "multilabel", f"{targets[0]} holds lists of labels")
    else:
        task, task_why = work_out.work_out_task(config, train, targets, answers)
    separator = separator or work_out_separator(train, task, targets)
    classes = work_out_classes(config, train, task, targets, separator)
    classes, answer_names = columns_by_class(config, task, classes, answers)
    answer, answer_why = work_out.work_out_answer(config, task, targets, classes, answers)
    metric, metric_why = work_out.work_out_metric(config, task, answer)
    require_ordered(config, task, classes, metric)
    problem = Problem(
        name=config.name or Path(config.path).name,
        modality=config.modality,
        id=names.id,
        targets=targets,
        task=task,
        classes=classes,
        metric=metric.name,
        answer=answer,
        metric_args=metric.args,
        grades=work_out_grades(train, task, answer, targets),
        separator=separator,
        answer_separator=asked_separator(answers.iloc[:, 0], classes) if answers is not None else None,
        answer_id=names.answer,
        aggregate=config.aggregate,
        pair_id=config.pair_id,
        keys=names.keys,
        answer_names=answer_names if answer == "probability" else (),
        ids=shipped.ids,
        mask=form_of(config.mask) if task == "masks" else None,
    )
    contract.require_writable(problem)
    if sample is not None:
        contract.require_answerable(problem, sample)
    decisions = [task_why, answer_why, metric_why]
    if task == "binary":
        decisions.insert(1, Decision("positive class", classes[1], "the second class" if not config.classes else FROM_PARAMS))
    return problem, decisions
