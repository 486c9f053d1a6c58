"""Competition: what the organisers gave us, read and checked."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.competition import task as work_out
from goldfold.competition.folders import LABEL, extra_from_folders, tables_from_folders
from goldfold.competition.images import find_images
from goldfold.competition.problem import Problem
from goldfold.competition.tables import columns_of, read_table, require_columns, require_ids
from goldfold.competition.task import GIVEN, Decision
from goldfold.config import Answer, CompetitionConfig
from goldfold.errors import InputError

ROW = "row_number"
"""The id column of a table without one."""
TRAIN_TABLES = ("train.csv", "train.csv.zip", "train.tsv", "train.parquet")
TEST_TABLES = ("test.csv", "test.csv.zip", "test.tsv", "test.parquet")


@dataclass(frozen=True)
class Competition:
    """The problem, the training and test tables, how a row's file is found, and the sample submission.

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

    def image_paths(self) -> list[Path]:
        """The image of each training row, then of each test row, relative to `root`.

        `templates` are those of the two tables, see `find_images`, which raises InputError for rows without an image.
        """
        train, test = self.templates
        return [
            *find_images(self.train, self.problem.id, self.root, train, "train"),
            *find_images(self.test, self.problem.id, self.root, test, "test"),
        ]


def read_competition(config: CompetitionConfig) -> Competition:
    """Read the competition's files and work out what params.yaml leaves open; raises InputError for what does not fit."""
    root = _root(config)
    train_path = _named_or_found(root, config.train, TRAIN_TABLES)
    sample_path = _sample_path(config, root)
    if train_path:
        names, decisions = _columns(config, root, train_path, sample_path)
        train = _read_training(config, train_path, names)
        test_path = _named_or_found(root, config.test, TEST_TABLES)
        test = read_table(test_path, [names.id], config.header) if test_path else None
        source = train_path
    else:
        train, test = tables_from_folders(config, root)
        target = config.target if isinstance(config.target, str) else LABEL
        require_columns(train.columns, [target], "the table of the image folders", "competition.target")
        names = _Names("id", (target,))
        decisions = [Decision("layout", "image folders", f"there is no train.csv; {len(train)} images have a label")]
        test_path, source = None, root
    require_ids(train, names.id, source)
    work_out.require_targets(train, names.targets, names.id, str(source))

    sample = read_table(sample_path, columns_of(sample_path)) if sample_path else None
    if sample is not None:
        require_ids(sample, sample.columns[0], sample_path or root)
    if test is None and sample is None:
        train, test = _held_out(train, names, config.test_fraction)
        test = test.drop(columns=list(names.targets))
        decisions.append(Decision("test set", f"{len(test)} rows", "held out, as the competition ships none"))
    elif sample is not None:
        test = _test_in_sample_order(test, sample, names.id, test_path)
    assert test is not None
    require_ids(test, names.id, test_path or root)

    extra = _extra(config, root, names, train if train_path else None)
    train = pd.concat([train, extra], ignore_index=True)

    problem, more = _problem(config, train, names, sample)
    if problem.task in ("regression", "multilabel"):
        train[list(names.targets)] = work_out.numeric_targets(train, names.targets, problem.task, str(source))
    template = config.images or (None if train_path else "{path}")
    # A sample submission without a test table gives the test rows their ids and no other column.
    test_template = template if template is None or test_path or sample is None else config.images
    return Competition(
        problem=problem,
        root=root,
        train=train,
        test=test,
        sample=sample if sample is not None else _default_sample(test, problem),
        templates=(template, test_template),
        decisions=(*decisions, *more),
        extra=len(extra),
    )


def read_solution(config: CompetitionConfig, problem: Problem) -> pd.DataFrame | None:
    """The test labels for the local scorer: `competition.solution`, or those of rows that goldfold held out itself."""
    if config.solution:
        path = Path(config.solution)
        solution = read_table(path, [problem.id, *problem.targets])
        require_columns(solution.columns, [problem.id, *problem.targets], str(path), "competition.solution")
        if problem.task in ("regression", "multilabel"):
            solution[list(problem.targets)] = work_out.numeric_targets(solution, problem.targets, problem.task, str(path))
        return solution
    root, names = _root(config), _Names(problem.id, problem.targets)
    train_path = _named_or_found(root, config.train, TRAIN_TABLES)
    if _sample_path(config, root) or (train_path and _named_or_found(root, config.test, TEST_TABLES)):
        return None
    if train_path:
        train, test = _read_training(config, train_path, names), None
    else:
        train, test = tables_from_folders(config, root)
    if test is not None:
        return None
    solution = _held_out(train, names, config.test_fraction)[1]
    if problem.task in ("regression", "multilabel"):
        solution[list(problem.targets)] = work_out.numeric_targets(solution, problem.targets, problem.task, str(train_path))
    elif len(problem.targets) == 1:
        solution[problem.targets[0]] = work_out.whole_number_labels(solution[problem.targets[0]])
    return solution


def _read_training(config: CompetitionConfig, path: Path, names: "_Names") -> pd.DataFrame:
    """The training table; where no column is an id, the rows' numbers are."""
    table = read_table(path, [names.id, *names.targets], config.header)
    if names.id == ROW and ROW not in table:
        table.insert(0, ROW, pd.Series(range(len(table))).astype("str"))
    return table


def _extra(config: CompetitionConfig, root: Path, names: "_Names", train: pd.DataFrame | None) -> pd.DataFrame:
    """The rows of competition.extra; none where it is not given."""
    if not config.extra:
        return pd.DataFrame()
    path = root / config.extra
    if not path.exists():
        raise InputError(f"there is no {path}, which params.yaml names as competition.extra", mend="put it there, or correct it")
    if train is None:
        table = extra_from_folders(config, root)
    elif path.is_dir():
        raise InputError(f"competition.extra: {path} is a folder", mend="name a table like the training table")
    else:
        table = read_table(path, [names.id, *names.targets])
        require_columns(table.columns, [names.id, *names.targets], str(path), "competition.extra")
        require_ids(table, names.id, path)
        known = sorted(set(table[names.id]) & set(train[names.id]))
        if known:
            raise InputError(
                f"{path}: {len(known)} ids that the training table has too", known, "remove these rows, or give them other ids"
            )
    work_out.require_targets(table, names.targets, names.id, str(path))
    return table


@dataclass(frozen=True)
class _Names:
    id: str
    targets: tuple[str, ...]


def _root(config: CompetitionConfig) -> Path:
    root = Path(config.path)
    if not root.is_dir():
        raise InputError(
            f"there is no folder {root}, which params.yaml names as competition.path",
            mend="put the competition's files there (data/raw/<name>/ is the place), or correct competition.path",
        )
    return root


def _named_or_found(root: Path, given: str | None, names: tuple[str, ...]) -> Path | None:
    if given:
        return root / given
    return next((root / name for name in names if (root / name).is_file()), None)


def _sample_path(config: CompetitionConfig, root: Path) -> Path | None:
    if config.sample_submission:
        return root / config.sample_submission
    found = sorted(path for path in root.glob("*.csv*") if "submission" in path.name.lower())
    if len(found) > 1:
        raise InputError(
            f"{root} has {len(found)} files that could be the sample submission",
            [path.name for path in found],
            "name the right one in competition.sample_submission",
        )
    return found[0] if found else None


def _columns(config: CompetitionConfig, root: Path, train_path: Path, sample_path: Path | None) -> tuple[_Names, list[Decision]]:
    """Work out the id and target columns from the headers alone."""
    columns = columns_of(train_path, config.header)
    sample = columns_of(sample_path) if sample_path else []
    test_path = _named_or_found(root, config.test, TEST_TABLES)
    test = columns_of(test_path, config.header) if test_path else []

    id_column = config.id or next((name for name in sample[:1] + test[:1] if name in columns), columns[0])
    require_columns(columns, [id_column], str(train_path), "competition.id")
    if test_path:
        require_columns(test, [id_column], str(test_path), "competition.id")
    why = GIVEN if config.id else "the first column of the sample submission or table"
    if not (config.id or sample or test) and not _could_be_ids(read_table(train_path, [id_column], config.header)[id_column]):
        id_column, why = ROW, "no column could be the id: the rows are numbered"
    decisions = [Decision("id", id_column, why)]

    if config.target:
        targets = (config.target,) if isinstance(config.target, str) else config.target
        why = GIVEN
    elif sample[1:] and all(name in columns for name in sample[1:]):
        targets, why = tuple(sample[1:]), "the columns that the sample submission asks for"
    else:
        reserved = {id_column, config.id, *test}
        candidates = [name for name in columns if name not in reserved]
        if len(candidates) != 1:
            raise InputError(
                f"{train_path}: which column is the target? {len(candidates)} could be it",
                candidates,
                "name it in params.yaml, competition.target",
            )
        targets, why = tuple(candidates), "the only column that the test table does not have"
    require_columns(columns, targets, str(train_path), "competition.target")
    return _Names(id_column, targets), [*decisions, Decision("target", ", ".join(targets), why)]


def _could_be_ids(values: pd.Series) -> bool:
    """Whether values, as texts, are all different and not fractions."""
    return bool(values.is_unique and not values.str.fullmatch(r"-?\d*\.\d+").any())


def _test_in_sample_order(test: pd.DataFrame | None, sample: pd.DataFrame, id_column: str, path: Path | None) -> pd.DataFrame:
    """The test rows in the order of the sample submission's ids; raises InputError where the two differ."""
    ids = sample.iloc[:, 0]
    if test is None or path is None:
        # Without a test table the sample submission's ids are the test set, whatever else lies in the test folder.
        return pd.DataFrame({id_column: ids})
    missing = sorted(set(ids) - set(test[id_column]))
    unasked = sorted(set(test[id_column]) - set(ids))
    if missing or unasked:
        raise InputError(
            f"{path} and the sample submission differ in {len(missing) + len(unasked)} ids",
            [*(f"{i} is in the sample submission only" for i in missing), *(f"{i} is in {path.name} only" for i in unasked)],
            "complete the one that is short, or name the right files in competition.test and sample_submission",
        )
    return test.set_index(id_column, drop=False).loc[list(ids)].reset_index(drop=True)


def _held_out(train: pd.DataFrame, names: _Names, fraction: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a test set off the training rows, the same each time, with each class's share kept where it can be."""
    from sklearn.model_selection import train_test_split

    labels = train[names.targets[0]]
    stratify = labels if labels.value_counts().min() > 1 and fraction * len(train) >= labels.nunique() else None
    kept, held = train_test_split(train, test_size=fraction, random_state=0, stratify=stratify)
    return kept.sort_index().reset_index(drop=True), held.sort_index().reset_index(drop=True)


def _problem(
    config: CompetitionConfig, train: pd.DataFrame, names: _Names, sample: pd.DataFrame | None
) -> tuple[Problem, list[Decision]]:
    answers = sample.iloc[:, 1:] if sample is not None else None
    if len(names.targets) == 1:
        train[names.targets[0]] = work_out.whole_number_labels(train[names.targets[0]])
    task, task_why = work_out.work_out_task(config, train, names.targets, answers)
    classes = work_out.work_out_classes(config, train, task, names.targets[0])
    answer, answer_why = work_out.work_out_answer(config, task, classes, answers)
    metric, metric_why = work_out.work_out_metric(config, task, answer)
    root = Path(config.path)
    problem = Problem(config.name or root.name, config.modality, names.id, names.targets, task, classes, metric, answer)
    if answers is not None:
        _require_answerable(problem, answers)
    decisions = [task_why, answer_why, metric_why]
    if task == "binary":
        decisions.insert(1, Decision("positive class", classes[1], "the second class" if not config.classes else GIVEN))
    return problem, decisions


def _require_answerable(problem: Problem, answers: pd.DataFrame) -> None:
    """Raise InputError where the sample submission asks for what the training table cannot teach."""
    columns, wanted = list(answers.columns), answer_columns(problem)
    if problem.answer == "label" and problem.classes:
        labels = set(work_out.whole_number_labels(answers.iloc[:, 0]))
        unseen = sorted(labels - set(problem.classes))
        if unseen:
            raise InputError(
                f"labels in the sample submission that the training table never shows: {len(unseen)}",
                unseen,
                f"training knows {', '.join(problem.classes[:20])}; correct competition.target, or set competition.answer: "
                "probability if the competition asks for one",
            )
    if problem.task == "multiclass" and problem.answer == "probability" and set(columns) != set(wanted):
        raise InputError(
            "the sample submission's columns are not the classes of the training table",
            [*(f"{c} is in the sample only" for c in columns if c not in wanted)]
            + [f"{c} is in the training table only" for c in wanted if c not in columns],
            "correct competition.target, or bring the classes and columns into line",
        )
    if len(columns) != len(wanted):
        raise InputError(
            f"the sample submission asks for {len(columns)} columns, but the targets are {len(wanted)}",
            columns,
            "name as many columns in competition.target",
        )


def answer_columns(problem: Problem) -> tuple[str, ...]:
    """The columns of an answer beside its id: a class each, or a target each."""
    if problem.task == "multiclass" and problem.answer == "probability":
        return problem.classes
    return problem.targets


def _default_sample(test: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    filler: dict[Answer, str] = {"label": problem.classes[0] if problem.classes else "0", "probability": "0.5", "value": "0"}
    return pd.DataFrame({problem.id: test[problem.id], **dict.fromkeys(answer_columns(problem), filler[problem.answer])})
