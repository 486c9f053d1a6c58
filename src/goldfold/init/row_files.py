"""How a competition's rows find their files, images or sounds, and what the names of the files say."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from goldfold.competition import Competition
from goldfold.competition.file_kind import FileKind
from goldfold.competition.folders import LABEL, tables_from_folders
from goldfold.competition.row_files import Part, find_row_files
from goldfold.competition.sides import side_of
from goldfold.config import CompetitionConfig
from goldfold.errors import InputError, QuestionError, Reply
from goldfold.init.setting import Setting, remark
from goldfold.tables.dialect import ending_of

TRIED, MOST_REPLIES = 50, 4
MOST_CLASSES_IN_NAMES = 200
WORD = r"[A-Za-z]+"
SEVERAL_WORDS = rf"{WORD}(?:[ _-]{WORD}(?!\d))*"
FEWEST_GROUPS, ROWS_PER_GROUP = 20, 2.0
WORDS = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")
"""The words of a file's name, at a change of case or of kind: Parasitized, C100, P61, Thin, F."""


def files_of_rows(competition: Competition, kind: FileKind, files: Sequence[Path]) -> list[Setting] | None:
    """Return settings by which a table's rows find their files of a kind, None if most rows of a table have none.

    Files go by the id, or by a template over the row's columns, which may be another one for each table.
    """
    sides: dict[str, tuple[pd.DataFrame, Part]] = {
        "train": (competition.train, "train"),
        "test": (competition.test, competition.test_part),
    }
    fitting = {side: _fitting(competition, table, kind, files, part) for side, (table, part) in sides.items()}
    for side, (table, part) in sides.items():
        if [None] == fitting[side] != fitting["test" if side == "train" else "train"]:
            fitting[side] += _fitting(competition, table, kind, files, part, by_id=False)
    if not all(fitting.values()):
        return None
    train, test = _one_choice(competition, kind, files, fitting["train"], fitting["test"])
    if train is None and test is None:
        return [remark("competition", f"{kind.plural}: each row's goes by its {competition.problem.id}: {_folders(files)}")]
    if train == test:
        return [Setting(f"competition.{kind.plural}", train, f"where a row's {kind.name} is")]
    return [
        Setting(
            f"competition.{kind.plural}",
            {"train": train, "test": test},
            f"each table has {kind.plural} of its own; null is by id",
        )
    ]


def _one_choice(
    competition: Competition, kind: FileKind, files: Sequence[Path], train: Sequence[str | None], test: Sequence[str | None]
) -> tuple[str | None, str | None]:
    """The templates of the two tables; raises QuestionError where rows have several files that these find alike."""
    choices: list[tuple[str | None, str | None]] = [(template, template) for template in train if template in test]
    if not choices:
        # Of masks beside images, those in the training folder are the images that the test folder has too.
        pairs = [(one, other) for one in train for other in test]
        alike = [(one, other) for one, other in pairs if one and other and _without_side(one) == _without_side(other)]
        choices = [*alike] or [(train[0], test[0])]
    by_files: dict[tuple[str, ...], tuple[str | None, str | None]] = {}
    for choice in choices:
        rows = find_row_files(competition.train, competition.problem.id, competition.root, files, choice[0], "train", kind)
        by_files.setdefault(tuple(map(str, rows.paths)), choice)
    several = list(by_files.values())
    if len(several) == 1 or None in several[0]:
        return several[0]
    replies = [
        Reply(
            kind.plural,
            one if one == other else {"train": one, "test": other},
            f"of {len(several)} {kind.plural} a row, this one",
        )
        for one, other in several[:MOST_REPLIES]
    ]
    raise QuestionError(f"each row has {len(several)} {kind.plural}, and a model reads one: which?", replies)


def names_of_files(root: Path, kind: FileKind, overrides: Mapping[str, object]) -> tuple[list[Setting], str | None]:
    """Read labels and groups off the names of a folder's files: a setting with the pattern, and the group column if any.

    Labels are read from names only if there are files outside of class folders, or all in one folder.
    """
    config = CompetitionConfig(path=str(root), **{"modality": kind.name, **overrides})
    if config.file_pattern:
        return [], None
    pattern, why = "", []
    try:
        train = tables_from_folders(config, root).train
    except InputError:
        train = pd.DataFrame()
    if LABEL not in train or train[LABEL].nunique() == 1:
        train = tables_from_folders(config.model_copy(update={"file_pattern": "(?P<label>)"}), root).train
        named = _labels(train["path"])
        if named is None:
            return [], None
        pattern, train[LABEL] = named
        why = [f"a file's name begins with its label, one of {train[LABEL].nunique()}"]
    labels = train[LABEL]
    group = _groups(train["path"], labels)
    if group and not pattern:
        number = train["path"].str.extract(group)["group"].nunique()
        why.append(f"{number} groups of {kind.plural} share the beginning of their names, as those of one patient or place do")
        return [Setting("competition.file_pattern", group, "; ".join(why))], "group"
    return ([Setting("competition.file_pattern", pattern, "; ".join(why))] if pattern else []), None


def _fitting(
    competition: Competition, table: pd.DataFrame, kind: FileKind, files: Sequence[Path], part: Part, by_id: bool = True
) -> list[str | None]:
    """The templates by which the fewest rows of a table lack a file, the best first; None is the row's id, if allowed."""

    def lacking(template: str | None) -> float:
        try:
            rows = find_row_files(table, competition.problem.id, competition.root, files, template, part, kind)
        except InputError:
            return math.inf
        return len(rows.missing)

    counts: dict[str | None, float] = {None: lacking(None)} if by_id else {}
    if counts.get(None, 1):
        counts |= {template: lacking(template) for template in _templates(competition, table, files)}
    fewest = min(counts.values(), default=math.inf)
    return [template for template, count in counts.items() if count == fewest < math.inf]


def _folders(files: Sequence[Path]) -> str:
    counts = Counter(str(path.parent) for path in files).most_common(3)
    return ", ".join(f"{count} in {folder}/" if folder != "." else f"{count} beside the tables" for folder, count in counts)


def _templates(competition: Competition, table: pd.DataFrame, files: Sequence[Path]) -> list[str]:
    """Templates that fit most rows: a column that names files, or what surrounds the id in their names, fronts first."""
    problem = competition.problem
    rows = table.head(TRIED)
    names = {path.stem.casefold() for path in files}
    columns = [name for name in table.columns if name not in (problem.id, *problem.targets)]
    naming = [name for name in columns if 2 * sum(_stem(cell) in names for cell in rows[name]) > len(rows)]
    # A number may be a file's name by chance.
    ended = [name for name in naming if all(ending_of(str(cell)) for cell in rows[name])]
    by_column = [f"{{{name}}}" for name in ended or naming]
    shapes: Counter[str] = Counter()
    stems = [(path, path.stem) for path in files]
    for key in rows[problem.id]:
        stem = Path(key).stem
        around = re.compile(rf"(|.*\D)(0*){re.escape(stem)}(|\D.*)")
        for path, name in stems:
            if stem in name and (match := around.fullmatch(name)):
                folder = "" if path.parent == Path() else f"{path.parent.as_posix()}/"
                padded = f":0>{len(match[2] + stem)}" if stem.isdecimal() else ""
                shapes.update(
                    f"{_literal(folder + match[1])}{{{problem.id}{padding}}}{_literal(match[3] + path.suffix)}"
                    for padding in dict.fromkeys([*([] if match[2] else [""]), padded])
                )
    by_id = [template for template, count in shapes.items() if 2 * count > len(rows)]
    return by_column + sorted(by_id, key=lambda template: ("front" not in template, len(template), template))


def _without_side(template: str) -> str:
    """A template without its folders for training or test."""
    return "/".join(part for part in template.split("/") if side_of(part) is None)


def _stem(cell: object) -> str:
    """The name of the file that a cell may be the path of, without its folders and extension, in one case."""
    return Path(str(cell).replace("\\", "/")).stem.casefold()


def _literal(text: str) -> str:
    """A text as a template holds it."""
    return text.replace("{", "{{").replace("}", "}}")


def _labels(paths: pd.Series) -> tuple[str, pd.Series] | None:
    """A pattern of the labels that file names begin with, dog.12.jpg or no_tumor_3.jpg, and the labels.

    Raises QuestionError where the words after the first may belong to them: red_fox_1.jpg and red_kite_1.jpg.
    """
    readings = [reading for words in (WORD, SEVERAL_WORDS) if (reading := _beginning(paths, words))]
    if len(readings) == 2:
        (one, few), (several, many) = readings
        if few.nunique() < many.nunique():
            raise QuestionError(
                "the names of the files begin with their labels: with one word, or with several?",
                [
                    Reply("file_pattern", several, f"{many.nunique()} labels: {', '.join(sorted(set(many))[:4])}"),
                    Reply("file_pattern", one, f"{few.nunique()} labels: {', '.join(sorted(set(few))[:4])}"),
                ],
            )
    return readings[-1] if readings else None


def _beginning(paths: pd.Series, words: str) -> tuple[str, pd.Series] | None:
    """A pattern of the `words` that file names begin with, and what it finds, if these can be labels."""
    found = paths.map(lambda path: re.match(words, Path(path).stem))
    if found.isna().any():
        return None
    labels = found.map(lambda match: match[0])
    counts = labels.value_counts()
    if not 2 <= len(counts) <= MOST_CLASSES_IN_NAMES or counts.min() < 2:
        return None
    names = "|".join(re.escape(name) for name in sorted(counts.index, key=lambda name: (-len(name), name)))
    after = {re.sub(r"\d+", r"\\d+", re.escape(Path(path).stem[len(label) :])) for path, label in zip(paths, labels, strict=True)}
    tail = after.pop() if len(after) == 1 else r"[^/]*$"
    pattern = f"(?P<label>{names}){tail}"
    return (pattern, labels) if paths.str.extract(pattern)["label"].equals(labels) else None


def _groups(paths: pd.Series, labels: pd.Series) -> str | None:
    """A pattern of the groups in file names, C100 of C100P61ThinF_IMG_1.png, if they are evident.

    A group is the first word of letters and digits, with the same letters in all names and several rows each.
    """
    names = [
        [word for word in WORDS.findall(Path(path).stem) if word != label] for path, label in zip(paths, labels, strict=True)
    ]
    first = pd.Series([words[0] if words else "" for words in names])
    parts = first.str.extract(r"^([A-Za-z]+)(\d+)$")
    if parts.isna().any().any() or parts[0].nunique() != 1 or not _is_grouped(first):
        return None
    for pattern in (rf"(?P<group>{parts[0].iloc[0]}\d+)", rf"(?P<group>{parts[0].iloc[0]}\d+)[^/]*$"):
        if paths.str.extract(pattern)["group"].reset_index(drop=True).equals(first):
            return pattern
    return None


def _is_grouped(values: pd.Series) -> bool:
    return bool(values.nunique() >= FEWEST_GROUPS and len(values) / values.nunique() >= ROWS_PER_GROUP)
