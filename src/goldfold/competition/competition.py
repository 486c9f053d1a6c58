"""Competition: what the organisers gave us, read and checked."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from goldfold.competition import contract
from goldfold.competition import task as work_out
from goldfold.competition.folders import LABEL, extra_from_folders, tables_from_folders
from goldfold.competition.images import find_images
from goldfold.competition.problem import Problem
from goldfold.competition.solution import solution_table
from goldfold.competition.tables import columns_of, read_table, require_columns, require_ids
from goldfold.competition.task import GIVEN, Decision
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError

ROW = "row_number"
"""The id column of a table without one."""
"""The column of Kaggle's solutions that says which rows are scored: Public, Private or Ignored."""
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
    """Read the competition's files and work out what params.yaml leaves open; raises InputError for what does not fit."""
    root = _root(config)
    train_path = _named_or_found(root, config.train, TRAIN_TABLES)
    sample_path = _sample_path(config, root)
    if train_path:
        names, decisions = _columns(config, root, train_path, sample_path)
        train = _read_rows(train_path, names, names.targets, header=config.header)
        test_path = _named_or_found(root, config.test, TEST_TABLES)
        test = _read_rows(test_path, names, header=config.header) if test_path else None
        source = train_path
    else:
        train, test = tables_from_folders(config, root)
        target = config.target if isinstance(config.target, str) else LABEL
        require_columns(train.columns, [target], "the table of the image folders", "competition.target")
        if config.answer_id or config.pair_id:
            raise InputError("competition.answer_id and pair_id need a training table", mend="write train.csv and test.csv")
        names = _Names("id", (target,))
        decisions = [Decision("layout", "image folders", f"there is no train.csv; {len(train)} images have a label")]
        test_path, source = None, root
    require_ids(train, names.id, source)
    if not (config.task == "multilabel" and len(names.targets) == 1):
        work_out.require_targets(train, names.targets, names.id, str(source))

    sample = read_table(sample_path, columns_of(sample_path)) if sample_path else None
    if sample is not None:
        asked = pd.DataFrame({sample.columns[0]: contract.ids_of(sample, names.keys)})
        require_ids(asked, sample.columns[0], sample_path or root)
    if test is None and sample is None:
        train, test = _held_out(train, names, config.test_fraction)
        test = test.drop(columns=list(names.targets))
        decisions.append(Decision("test set", f"{len(test)} rows", "held out, as the competition ships none"))
    elif sample is not None and not config.pair_id:
        if test is not None and test_path and not names.answer:
            require_ids(test, names.id, test_path)
        test = contract.test_as_asked(test, sample, names.keys, names.id, names.answer or names.id, test_path)
    if test is None:
        raise InputError(f"competition.pair_id: {root} has no test table", mend="put test.csv there, or name it: test")
    if config.pair_id:
        test = test.drop_duplicates(names.id, ignore_index=True)
    require_ids(test, names.id, test_path or root)

    extra = _extra(config, root, names, train if train_path else None)
    train = pd.concat([train, extra], ignore_index=True)

    problem, more = _problem(config, train, names, sample)
    if problem.has_numbers:
        train[list(names.targets)] = work_out.numeric_targets(train, names.targets, problem.task, str(source))
    require_columns(train.columns, problem.columns, str(source), "competition.metric")
    contract.require_shared(problem, train)
    if problem.pair_id and sample is not None:
        known = pd.Series(contract.pair_ids(problem, test[names.id]).to_numpy().ravel())
        contract.require_same_ids(sample.iloc[:, 0], known, test_path or root)
    template = config.images or (None if train_path else "{path}")
    # A sample submission without a test table gives the test rows their ids and no other column.
    test_template = template if template is None or test_path or sample is None else config.images
    return Competition(
        problem=problem,
        root=root,
        train=train,
        test=test,
        sample=sample if sample is not None else contract.default_sample(test, problem),
        templates=(template, test_template),
        decisions=(*decisions, *more),
        extra=len(extra),
    )


def read_solution(config: CompetitionConfig, problem: Problem) -> pd.DataFrame | None:
    """The test labels for the local scorer: `competition.solution`, or those of rows that goldfold held out itself."""
    if config.solution:
        return solution_table(Path(config.solution), problem)
    root, names = _root(config), _Names(problem.id, problem.targets)
    train_path = _named_or_found(root, config.train, TRAIN_TABLES)
    if _sample_path(config, root) or (train_path and _named_or_found(root, config.test, TEST_TABLES)):
        return None
    if train_path:
        names, _ = _columns(config, root, train_path, None)
        train, test = _read_rows(train_path, names, names.targets, header=config.header), None
    else:
        train, test = tables_from_folders(config, root)
    if test is not None:
        return None
    solution = _held_out(train, names, config.test_fraction)[1]
    if problem.has_numbers:
        solution[list(problem.targets)] = work_out.numeric_targets(solution, problem.targets, problem.task, str(train_path))
    elif len(problem.targets) == 1:
        solution[problem.targets[0]] = work_out.whole_number_labels(solution[problem.targets[0]])
    return solution


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
        table = _read_rows(path, names, names.targets, "competition.extra")
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
    """The columns that tables are read by: the id (or the `parts` that are joined to it, of which the sample submission has
    the `keys`), the targets, and the `answer` that rows share, with the template that makes it."""

    id: str
    targets: tuple[str, ...]
    parts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    answer: str | None = None
    template: str = ""


def _read_rows(
    path: Path, names: _Names, targets: tuple[str, ...] = (), key: str = "competition", header: bool = True
) -> pd.DataFrame:
    """Read a table with its ids; raises InputError where it lacks a column that they are made of."""
    made_of = [*(names.parts or (names.id,)), *contract.fields_of(names.template)]
    table = read_table(path, [*made_of, *targets], header)
    if names.id == ROW and ROW not in table:
        table.insert(0, ROW, pd.Series(range(len(table))).astype("str"))
    require_columns(table.columns, [*made_of, *targets], str(path), key)
    if names.parts:
        table[names.id] = contract.joined(table, names.parts)
    if names.answer:
        table[names.answer] = contract.filled(table, names.template)
    return table


def _root(config: CompetitionConfig) -> Path:
    root = Path(config.path)
    if not root.is_dir():
        raise InputError(
            f"there is no folder {root}, which competition.path names",
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

    names = _id_names(config, columns, sample, test)
    require_columns(columns, names.parts or (names.id,), str(train_path), "competition.id")
    if test_path:
        require_columns(test, names.parts or (names.id,), str(test_path), "competition.id")
    why = GIVEN if config.id else "the first column of the sample submission or table"
    if not (config.id or sample or test) and not _could_be_ids(read_table(train_path, [names.id], config.header)[names.id]):
        names, why = replace(names, id=ROW), "no column could be the id: the rows are numbered"
    decisions = [Decision("id", names.id, why)]
    asked = [name for name in sample if name not in names.keys] if names.keys else sample[1:]

    if config.target:
        targets = (config.target,) if isinstance(config.target, str) else config.target
        why = GIVEN
    elif asked and all(name in columns for name in asked):
        targets, why = tuple(asked), "the columns that the sample submission asks for"
    else:
        reserved = {names.id, *names.parts, *test}
        candidates = [name for name in columns if name not in reserved]
        if len(candidates) != 1:
            raise InputError(
                f"{train_path}: which column is the target? {len(candidates)} could be it",
                candidates,
                "name it in params.yaml, competition.target",
            )
        targets, why = tuple(candidates), "the only column that the test table does not have"
    require_columns(columns, targets, str(train_path), "competition.target")
    return replace(names, targets=targets), [*decisions, Decision("target", ", ".join(targets), why)]


def _could_be_ids(values: pd.Series) -> bool:
    """Whether values, as texts, are all different and not fractions."""
    return bool(values.is_unique and not values.str.fullmatch(r"-?\d*\.\d+").any())


def _id_names(config: CompetitionConfig, columns: list[str], sample: list[str], test: list[str]) -> _Names:
    """The columns that tell rows and answers apart."""
    if config.answer_id and not config.id:
        raise InputError(
            "params.yaml: competition.answer_id says which rows share an answer, but not what tells the rows apart",
            mend="name the column with each row's own id in competition.id",
        )
    answer = config.answer_id and (config.answer_id if "{" not in config.answer_id else (*sample, "answer_id")[0])
    template = config.answer_id or ""
    shared = _Names("", (), answer=answer, template=template if "{" in template or not template else f"{{{template}}}")
    if isinstance(config.id, tuple):
        keys = config.id if set(config.id) <= set(sample) else ()
        return replace(shared, id="_".join(config.id), parts=config.id, keys=keys)
    return replace(shared, id=config.id or next((name for name in sample[:1] + test[:1] if name in columns), columns[0]))


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
        decisions.insert(1, Decision("positive class", classes[1], "the second class" if not config.classes else GIVEN))
    return problem, decisions
