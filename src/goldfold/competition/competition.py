"""Competition: the organisers' files, read and checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.competition import contract
from goldfold.competition import task as work_out
from goldfold.competition.files import Files, find_files
from goldfold.competition.images import find_images
from goldfold.competition.layouts import Shipped, read_shipped
from goldfold.competition.names import Names
from goldfold.competition.problem import Problem
from goldfold.competition.solution import solution_table
from goldfold.competition.tables import columns_of, read_table, require_columns, require_ids
from goldfold.competition.task import FROM_PARAMS, Decision
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError


@dataclass(frozen=True)
class Competition:
    """The problem, the training and test tables, where each row's image is, and the sample submission.

    Tables keep every column that was shipped; the last `extra` training rows are those of competition.extra. Ids are
    texts; the targets are texts (labels) or numbers. `sample` is the contract of the answer, as texts: its columns, their
    order and its ids.
    """

    problem: Problem
    root: Path
    train: pd.DataFrame
    test: pd.DataFrame
    sample: pd.DataFrame
    templates: tuple[str | None, str | None]
    decisions: tuple[Decision, ...]
    extra: int = 0

    def image_paths(self) -> list[str]:
        """The image of each training row, then of each test row, relative to `root`.

        `templates` are those of the two tables, see `find_images`, which raises InputError for rows without an image.
        """
        train, test = self.templates
        return [
            *find_images(self.train, self.problem.id, self.root, train, "train"),
            *find_images(self.test, self.problem.id, self.root, test, "test"),
        ]


def read_competition(config: CompetitionConfig) -> Competition:
    """Read the competition's files and work out what params.yaml leaves open; raises InputError where they disagree."""
    files = find_files(config)
    shipped = read_shipped(config, files)
    names = shipped.names
    _require_rows(config, shipped)
    sample = _read_sample(files, names)
    train, test, held_out = _test_rows(config, files, shipped, sample)
    train = pd.concat([train, shipped.extra], ignore_index=True)
    problem, decisions = _problem(config, train, names, sample)
    if problem.has_numbers:
        train[list(names.targets)] = work_out.numeric_targets(train, names.targets, problem.task, str(shipped.source))
    require_columns(train.columns, problem.columns, str(shipped.source), "competition.metric")
    contract.require_shared(problem, train)
    if problem.pair_id and sample is not None:
        pairs = pd.Series(contract.pair_ids(problem, test[names.id]).to_numpy().ravel())
        contract.require_same_ids(sample.iloc[:, 0], pairs, files.test or files.root)
    # A sample submission without a test table gives the test rows their ids and no other column.
    ids_alone = sample is not None and files.test is None
    return Competition(
        problem=problem,
        root=files.root,
        train=train,
        test=test,
        sample=sample if sample is not None else contract.default_sample(test, problem),
        templates=(shipped.images, config.images if ids_alone else shipped.images),
        decisions=(*shipped.decisions, *held_out, *decisions),
        extra=len(shipped.extra),
    )


def read_solution(config: CompetitionConfig, problem: Problem) -> pd.DataFrame | None:
    """The test labels for the local scorer: `competition.solution`, or those of the rows that goldfold held out."""
    if config.solution:
        return solution_table(Path(config.solution), problem)
    files = find_files(config)
    if files.sample or files.test:
        return None
    shipped = read_shipped(config, files)
    if shipped.test is not None:
        return None
    solution = _held_out(shipped, config.test_fraction)[1]
    if problem.has_numbers:
        solution[list(problem.targets)] = work_out.numeric_targets(solution, problem.targets, problem.task, str(shipped.source))
    elif len(problem.targets) == 1:
        solution[problem.targets[0]] = work_out.whole_number_labels(solution[problem.targets[0]])
    return solution


def _require_rows(config: CompetitionConfig, shipped: Shipped) -> None:
    """Raise InputError for training rows without a unique id or without targets."""
    names = shipped.names
    require_ids(shipped.train, names.id, shipped.source)
    if not (config.task == "multilabel" and len(names.targets) == 1):
        work_out.require_targets(shipped.train, names.targets, names.id, str(shipped.source))
    if config.extra:
        work_out.require_targets(shipped.extra, names.targets, names.id, str(Path(config.path) / config.extra))


def _read_sample(files: Files, names: Names) -> pd.DataFrame | None:
    """The sample submission as texts, one row per id."""
    if files.sample is None:
        return None
    sample = read_table(files.sample, columns_of(files.sample))
    asked = pd.DataFrame({sample.columns[0]: contract.ids_of(sample, names.keys)})
    require_ids(asked, sample.columns[0], files.sample)
    return sample


def _test_rows(
    config: CompetitionConfig, files: Files, shipped: Shipped, sample: pd.DataFrame | None
) -> tuple[pd.DataFrame, pd.DataFrame, Sequence[Decision]]:
    """The remaining training rows, the test rows in the order of the sample submission, and the decision to hold them out."""
    names, train, test = shipped.names, shipped.train, shipped.test
    decisions = []
    if test is None and sample is None:
        train, held = _held_out(shipped, config.test_fraction)
        test = held.drop(columns=list(names.targets))
        decisions.append(Decision("test set", f"{len(test)} rows", "held out, as the competition ships none"))
    elif sample is not None and not config.pair_id:
        if test is not None and files.test and not names.answer:
            require_ids(test, names.id, files.test)
        test = contract.test_as_asked(test, sample, names.keys, names.id, names.answer or names.id, files.test)
    if test is None:
        raise InputError(f"competition.pair_id: {files.root} has no test table", mend="put test.csv there, or name it: test")
    if config.pair_id:
        test = test.drop_duplicates(names.id, ignore_index=True)
    require_ids(test, names.id, files.test or files.root)
    return train, test, decisions


def _held_out(shipped: Shipped, fraction: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a test set off the training rows, always the same one, stratified by class where possible."""
    from sklearn.model_selection import train_test_split

    train, labels = shipped.train, shipped.train[shipped.names.targets[0]]
    stratify = labels if labels.value_counts().min() > 1 and fraction * len(train) >= labels.nunique() else None
    kept, held = train_test_split(train, test_size=fraction, random_state=0, stratify=stratify)
    return kept.sort_index().reset_index(drop=True), held.sort_index().reset_index(drop=True)


def _problem(
    config: CompetitionConfig, train: pd.DataFrame, names: Names, sample: pd.DataFrame | None
) -> tuple[Problem, list[Decision]]:
    answers = sample[contract.asked_columns(sample, names.keys)] if sample is not None else None
    targets = names.targets
    if len(targets) == 1:
        train[targets[0]] = work_out.whole_number_labels(train[targets[0]])
    task, task_why = work_out.work_out_task(config, train, targets, answers)
    separator = work_out.work_out_separator(train, task, targets)
    classes = work_out.work_out_classes(config, train, task, targets, separator)
    answer, answer_why = work_out.work_out_answer(config, task, targets, classes, answers)
    metric, metric_why = work_out.work_out_metric(config, task, answer)
    work_out.require_ordered(config, task, classes, metric)
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
        grades=work_out.work_out_grades(train, task, answer, targets),
        separator=separator,
        answer_id=names.answer,
        aggregate=config.aggregate,
        pair_id=config.pair_id,
        keys=names.keys,
    )
    contract.require_writable(problem)
    if sample is not None:
        contract.require_answerable(problem, sample)
    decisions = [task_why, answer_why, metric_why]
    if task == "binary":
        decisions.insert(1, Decision("positive class", classes[1], "the second class" if not config.classes else FROM_PARAMS))
    return problem, decisions
