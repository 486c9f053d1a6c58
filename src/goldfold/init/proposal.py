"""A competition's files → the settings of params.yaml that run on them, each with its reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldfold.competition import Competition, read_competition
from goldfold.competition.names import ROW
from goldfold.config import CompetitionConfig, parse_config
from goldfold.errors import InputError
from goldfold.init.evaluation import metric_called
from goldfold.init.files import Files, find_files
from goldfold.init.images import images_of_rows, names_of_files
from goldfold.init.inputs import sections, work_out_modality
from goldfold.init.setting import Setting, remark
from goldfold.init.split import work_out_split
from goldfold.init.tables import Tables, find_tables, find_target

GIVEN = "as you said"


@dataclass(frozen=True)
class Proposal:
    """The settings, and the competition as they read it."""

    settings: tuple[Setting, ...]
    competition: Competition


def propose(root: Path, path: str, given: Mapping[str, Any], evaluation: str = "") -> Proposal:
    """Work out the settings for the files in `root`, which params.yaml is to call `path`.

    `given` are settings of `competition` that win, `evaluation` is Kaggle's name of the metric. Raises InputError for files
    that goldfold cannot read, or that leave a question open.
    """
    files = find_files(root)
    tables = find_tables(files, given)
    target, why_target = (None, "") if given.get("target") else find_target(root, tables)
    named, group = ([], None) if tables.train else names_of_files(root, given)
    config: dict[str, Any] = {
        "path": str(root),
        **{key: str(found[0]) for key, found in _roles(tables).items() if found},
        **({} if tables.header else {"header": False}),
        **({"target": target} if target else {}),
        **{setting.name: setting.value for setting in named},
        **given,
    }
    competition = _read(config)
    metric = metric_called(evaluation, competition.problem.task) if evaluation and "metric" not in given else None
    if metric:
        config["metric"] = metric
        competition = _read(config)
    found = images_of_rows(competition, files.images) if tables.train and files.images and not given.get("images") else None
    template = next((setting.value for setting in found or [] if not setting.is_remark), None)
    if template:
        config["images"] = template
        competition = _read(config)
    if tables.train:
        modality, why_modality, texts = work_out_modality(competition, has_images=bool(found) or "images" in given)
    else:
        modality, why_modality, texts = "image", "a folder of images", []
    whys = {
        "modality": why_modality,
        "target": why_target,
        "metric": f"Kaggle calls it {evaluation}" if metric else _unknown(evaluation),
        **dict.fromkeys(given, GIVEN),
    }
    modality = str(given.get("modality", modality))
    images = [root / image for image in competition.image_paths()] if "image" in modality else []
    settings = [
        *_competition(config, competition, path, modality, tables, whys),
        *named,
        *(found or []),
        *_given(given, named, found or []),
        *_remarks(files, tables, competition, "image" in modality),
        *work_out_split(competition, group),
        *sections(competition, modality, texts, images),
    ]
    return Proposal(tuple(settings), competition)


def _roles(tables: Tables) -> dict[str, Any]:
    return {"train": tables.train, "test": tables.test, "sample_submission": tables.sample}


def _read(config: Mapping[str, Any]) -> Competition:
    """The competition as these settings read it; what is left open is told with the way to settle it here."""
    section = {**config, "modality": "image"}
    given: CompetitionConfig = parse_config(
        {"competition": section, "model": {"name": "x"}}, "what stands behind the path"
    ).competition
    try:
        return read_competition(given)
    except InputError as error:
        raise InputError(f"{error}\nSettings of competition can stand behind the path: goldfold init … target=NAME") from None


def _competition(
    config: Mapping[str, Any], competition: Competition, path: str, modality: str, tables: Tables, whys: Mapping[str, str]
) -> list[Setting]:
    """The section that says what the files are, and what is asked for."""
    problem = competition.problem
    decided = {decision.setting: decision.why for decision in competition.decisions}
    values: dict[str, tuple[Any, str]] = {"path": (path, ""), "modality": (modality, "")}
    for key, found in _roles(tables).items():
        if found:
            values[key] = (str(found[0]), found[1])
    if not tables.header:
        values["header"] = (False, "the first line holds numbers; columns are called column1, column2, …")
    if tables.train and problem.id != ROW and not problem.keys:
        values["id"] = (problem.id, decided["id"])
    if tables.train:
        values["target"] = (problem.targets[0] if len(problem.targets) == 1 else list(problem.targets), decided["target"])
    positive = f"; the positive class is {problem.classes[1]}" if problem.task == "binary" else ""
    values["task"] = (problem.task, decided["task"] + positive)
    usual = f"a default ({problem.task}, {problem.answer}): see what the competition's page says; docs/metrics.md has all"
    values["metric"] = (config.get("metric", problem.metric), usual)
    values["answer"] = (problem.answer, decided["answer"])
    return [Setting(f"competition.{key}", value, whys.get(key) or why) for key, (value, why) in values.items()]


def _given(given: Mapping[str, Any], named: list[Setting], found: list[Setting]) -> list[Setting]:
    """The settings that the competitor gave and no other part has written."""
    written = {"path", "modality", "train", "test", "sample_submission", "header", "id", "target", "task", "metric", "answer"}
    written |= {setting.name for setting in [*named, *found]}
    return [Setting(f"competition.{key}", value, GIVEN) for key, value in given.items() if key not in written]


def _remarks(files: Files, tables: Tables, competition: Competition, reads_images: bool) -> list[Setting]:
    """What a reader should know beside the settings."""
    told = []
    decided = {decision.setting: decision for decision in competition.decisions}
    if "id" in decided and competition.problem.id == ROW:
        told.append(f"id: {decided['id'].why}")
    if "test set" in decided:
        told.append(f"test: {decided['test set'].value}, {decided['test set'].why}")
    elif tables.train and not tables.test:
        told.append("test: there is no test table; its rows are the ids of the sample submission")
    if tables.unread:
        told.append(f"not read: {', '.join(map(str, tables.unread[:5]))}{' …' if len(tables.unread) > 5 else ''}")
    if files.images and not reads_images:
        told.append(f"not read: {len(files.images)} images, which belong to no row of the tables")
    others = ", ".join(f"{count} {kind}" for kind, count in files.others.most_common(5))
    if others:
        told.append(f"not read, by kind: {others}")
    return [remark("competition", text) for text in told]


def _unknown(evaluation: str) -> str:
    return f"a default: goldfold does not know what Kaggle calls {evaluation}; docs/metrics.md has all" if evaluation else ""
