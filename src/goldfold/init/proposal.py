"""A competition's files → the settings of params.yaml for them, with reasons."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldfold.competition import Competition, read_competition
from goldfold.competition.file_kind import FileKind, kind_of_files
from goldfold.competition.mask_files import without_masks
from goldfold.competition.names import ROW
from goldfold.config import CompetitionConfig, parse_config
from goldfold.config.data import Extra
from goldfold.errors import InputError, QuestionError
from goldfold.init.evaluation import metric_called
from goldfold.init.files import Files, find_files
from goldfold.init.folder import Folder
from goldfold.init.hosts import work_out_hours
from goldfold.init.inputs import sections, work_out_modality
from goldfold.init.mask_files import find_mask_files, lists_images, values_setting
from goldfold.init.masks import find_masks, mask_setting
from goldfold.init.params import written
from goldfold.init.row_files import files_of_rows, names_of_files
from goldfold.init.setting import Setting, remark
from goldfold.init.sound_parts import times_of_rows
from goldfold.init.split import owner_of_rows, work_out_split
from goldfold.init.tables import Tables, find_tables, find_target

OVERRIDDEN = "as you said"
FOLDERS = ("validation folder", "folder of predictions", "other folders", "copies")
"""What `tables_from_folders` may decide beside the test set."""


@dataclass(frozen=True)
class Proposal:
    """The settings, and the competition as they read it."""

    settings: tuple[Setting, ...]
    competition: Competition


def propose(root: Path, path: str, overrides: Mapping[str, Any], evaluation: str = "", yes: bool = False) -> Proposal:
    """Work out the settings for the files in `root`, which params.yaml is to call `path`.

    `overrides` are settings of `competition` that win, `evaluation` is Kaggle's name of the metric; `yes` takes the likelier
    answer to each question. Raises InputError for files that goldfold cannot read, and QuestionError for what they leave open.
    """
    answered: dict[str, Any] = {}
    whys: dict[str, str] = {}
    while True:
        try:
            return _proposal(root, path, {**overrides, **answered}, evaluation, whys)
        except QuestionError as question:
            reply = question.replies[0]
            if not yes or answered.get(reply.key) == reply.value:
                raise
            answered[reply.key] = reply.value
            others = " or ".join(f"{other.key}: {written(other.value)} for {other.meaning}" for other in question.replies[1:])
            whys[reply.key] = f"likely: {reply.meaning}; else {others}. {question.question}"


def _proposal(root: Path, path: str, overrides: Mapping[str, Any], evaluation: str, answers: Mapping[str, str]) -> Proposal:
    """The settings, where nothing is left open; `answers` are the reasons of those among `overrides` that were questions."""
    files = find_files(root, links=overrides.get("links") is True)
    folder = Folder(root, overrides.get("encoding"))
    tables = find_tables(files, folder, overrides)
    kind = kind_of_files(str(overrides["modality"])) if "modality" in overrides else files.main_kind
    images = files.of_rows.get(kind, ())
    masks = find_masks(folder, tables, images, overrides) or find_mask_files(folder, tables, images, overrides)
    if "masks" in masks and not lists_images(folder, tables, images):
        tables = replace(
            tables, train=None, test=None, unread=(*(table[0] for table in (tables.train,) if table), *tables.unread)
        )
    target, why_target = (None, "") if overrides.get("target") or masks else find_target(folder, tables)
    named, group = ([], None) if tables.train or masks else names_of_files(root, kind, overrides)
    config: dict[str, Any] = {
        "path": str(root),
        "modality": kind.name,
        **{key: str(table[0]) for key, table in _roles(tables).items() if table},
        **({} if tables.header else {"header": False}),
        **({"target": target} if target else {}),
        **({"join": {str(path): join for path, join in tables.joins.items()}} if tables.joins else {}),
        **{setting.name: setting.value for setting in named},
        **masks,
        **overrides,
    }
    metric = metric_called(evaluation) if evaluation and "metric" not in overrides else None
    competition, metric = _read_by_metric(config, metric)
    if metric:
        config["metric"] = metric
    shipped = [Path(path) for path in without_masks(map(Path.as_posix, images), config.get("masks"))]
    by_row = files_of_rows(competition, kind, shipped) if tables.train and shipped and not overrides.get(kind.plural) else None
    template = next((setting.value for setting in by_row or [] if not setting.is_remark), None)
    if template:
        config[kind.plural] = template
        competition = _read(config)
    by_column = template or overrides.get(kind.plural)
    owner, why_owner = (group, f"from the {kind.plural}' names") if group else owner_of_rows(competition, by_column)
    has_files = bool(by_row) or kind.plural in overrides
    heard = competition.row_files() if has_files and kind.name == "sound" else None
    times = times_of_rows(competition, heard) if heard else None
    apart = {owner: "whose it is"} if owner else {}
    apart |= {times.start: "where it begins", times.end: "where it ends"} if times else {}
    texts: list[str] = []
    if competition.problem.has_masks:
        what = "masks of it are files" if "masks" in config else "run-length codes are masks of it"
        modality, why_modality = "masks", f"each row is an image, and {what}"
    elif tables.train:
        modality, why_modality, texts = work_out_modality(competition, kind if has_files else None, apart, files.others)
    else:
        modality, why_modality = kind.name, f"a folder of {kind.plural}"
    whys = {
        "modality": why_modality,
        **(dict.fromkeys(("target", "task"), _what_holds(masks)) if masks else {}),
        **({"id": "the first column"} if masks else {}),
        **({} if masks else {"target": why_target}),
        "metric": f"Kaggle calls it {evaluation}" if metric else _unknown(evaluation),
        **dict.fromkeys(overrides, OVERRIDDEN),
        **answers,
    }
    modality = str(overrides.get("modality", modality))
    reads_files = bool({kind.name, "masks"} & set(modality.split("+")))
    row_files = (heard or competition.row_files()) if reads_files else None
    if "masks" in config:
        form, whys["mask"] = values_setting(competition, config.get("mask", {}))
        masks = {**masks, "mask": form} if form else masks
    elif competition.problem.has_masks and row_files:
        form, whys["mask"] = mask_setting(competition, row_files, config.get("mask", {}), overrides)
        masks["mask"] = form
    extras = CompetitionConfig(path=path, extra=config.get("extra")).extras
    settings = [
        *_competition(config, competition, path, modality, tables, whys),
        *named,
        *(by_row or []),
        *_overridden({**masks, **overrides}, [*named, *(by_row or [])], {**answers, **_of_masks(masks, overrides, whys)}),
        *_remarks(files, tables, extras, competition, kind if row_files else None),
        *(remark("competition", f"{one.setting}: {one.value}, {one.why}") for one in (row_files.decisions if row_files else ())),
        *work_out_split(competition, owner, why_owner),
        *sections(competition, modality, texts, row_files, apart, times),
        *work_out_hours(os.environ),
    ]
    return Proposal(tuple(settings), competition)


def _what_holds(masks: Mapping[str, Any]) -> str:
    return f"mask files, {masks['masks']}" if "masks" in masks else f"{masks['target']} holds run-length codes"


def _of_masks(masks: Mapping[str, Any], overrides: Mapping[str, Any], whys: Mapping[str, str]) -> dict[str, str]:
    """The reasons of the settings of masks that nobody has given."""
    why = whys.get("mask", "")
    pair = "an id is an image's and a class, joined by _"
    reasons = {"mask": why, "pair_id": pair, "masks": f"where an image's mask is; {why}"}
    return {key: reasons.get(key, "") for key in masks if key not in overrides}


def _read_by_metric(config: Mapping[str, Any], metric: str | None) -> tuple[Competition, str | None]:
    """The competition with the metric that Kaggle names, which tells what is predicted, or without where it does not fit."""
    if metric:
        try:
            return _read({**config, "metric": metric}), metric
        except QuestionError:
            raise
        except InputError:
            return _read(config), None
    return _read(config), None


def _roles(tables: Tables) -> dict[str, Any]:
    return {"train": tables.train, "test": tables.test, "sample_submission": tables.sample}


def _read(config: Mapping[str, Any]) -> Competition:
    """Read the competition by these settings; an error also says how to override them on the command line."""
    section = {**config, "modality": kind_of_files(str(config.get("modality", "image"))).name}
    settings: CompetitionConfig = parse_config({"competition": section, "model": {"name": "x"}}, "the command line").competition
    try:
        return read_competition(settings)
    except QuestionError:
        raise
    except InputError as error:
        raise InputError(f"{error}\nSettings of competition can follow the path: goldfold init … target=NAME") from None


def _competition(
    config: Mapping[str, Any], competition: Competition, path: str, modality: str, tables: Tables, whys: Mapping[str, str]
) -> list[Setting]:
    """The section `competition`: what the files are, and what to predict."""
    problem = competition.problem
    decided = {decision.setting: decision.why for decision in competition.decisions}
    values: dict[str, tuple[Any, str]] = {"path": (path, ""), "modality": (modality, "")}
    for key, table in _roles(tables).items():
        if table:
            values[key] = (str(table[0]), table[1])
    if not tables.header:
        values["header"] = (False, "the first line holds numbers; columns are called column1, column2, …")
    if tables.train and not problem.keys:
        # Ids that are joined of columns, or counted, are worked out again.
        name, folder = config.get("id", problem.as_shipped(problem.id)), Folder(competition.root, config.get("encoding"))
        shipped = [folder.header(table[0], tables.header) for table in (tables.train, tables.test) if table]
        if "id" in config or any(name in columns for columns in shipped):
            values["id"] = (name, decided["id"])
    if tables.train:
        # The targets of masks are the classes of one column.
        targets = [config["target"]] if problem.has_masks else [problem.as_shipped(target) for target in problem.targets]
        values["target"] = (_alone(targets), decided["target"])
    if tables.joins:
        why = "each has one row for every row of the tables, or nearly; what it lacks is missing"
        if any("take" in join for join in tables.joins.values()):
            why += "; likely: of several rows a row takes what is listed, or leave the table out"
        values["join"] = ({str(path): join for path, join in tables.joins.items()}, why)
    positive = f"; the positive class is {problem.classes[1]}" if problem.task == "binary" else ""
    values["task"] = (problem.task, decided["task"] + positive)
    usual = f"a default ({problem.task}, {problem.answer}): see what the competition's page says; docs/metrics.md has all"
    values["metric"] = (config.get("metric", problem.metric), usual)
    values["answer"] = (problem.answer, decided["answer"])
    return [Setting(f"competition.{key}", value, whys.get(key) or why) for key, (value, why) in values.items()]


def _alone(names: Sequence[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _overridden(overrides: Mapping[str, Any], others: list[Setting], answers: Mapping[str, str]) -> list[Setting]:
    """The overrides that no other part has written."""
    written = {"path", "modality", "train", "test", "sample_submission", "header", "id", "target", "task", "metric", "answer"}
    written |= {setting.name for setting in others}
    more = {key: value for key, value in overrides.items() if key not in written}
    return [Setting(f"competition.{key}", value, answers.get(key, OVERRIDDEN)) for key, value in more.items()]


def _remarks(
    files: Files, tables: Tables, extras: Sequence[Extra], competition: Competition, read: FileKind | None
) -> list[Setting]:
    """What a reader should know besides the settings."""
    texts = []
    decided = {decision.setting: decision for decision in competition.decisions}
    if "id" in decided and competition.problem.id == ROW:
        texts.append(f"id: {decided['id'].why}")
    if "test set" in decided:
        texts.append(f"test: {decided['test set'].value}, {decided['test set'].why}")
    elif tables.train and not tables.test:
        texts.append("test: there is no test table; its rows are the ids of the sample submission")
    texts += [f"{name}: {decided[name].value}, {decided[name].why}" for name in FOLDERS if name in decided]
    if unread := [str(path) for path in tables.unread if str(path) not in {extra.path for extra in extras}]:
        texts.append(f"not read: {', '.join(unread[:5])}{' …' if len(unread) > 5 else ''}")
    texts += [f"{path}: {what}" for path, what in tables.related.items() if str(path) in unread]
    for kind, others in files.of_rows.items():
        if kind != read:
            texts.append(f"not read: {len(others)} {kind.plural}, of which no table has a row")
    unknown = ", ".join(f"{count} {ending}" for ending, count in files.others.most_common(5))
    if unknown:
        texts.append(f"not read, by kind: {unknown}")
    return [remark("competition", text) for text in texts]


def _unknown(evaluation: str) -> str:
    return f"a default: goldfold has no metric for Kaggle's {evaluation}; docs/metrics.md has all" if evaluation else ""
