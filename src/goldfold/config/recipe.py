"""Recipes: overlays on params.yaml, some with a search."""

import io
import json
import re
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from goldfold.errors import InputError
from goldfold.imports import nearest

UNWRITABLE = re.compile(r"(?<!\\)(?:\\\\)*(\\u(?:0000|d[89a-f]..))")
"""A NUL, or half a character, in a text as JSON writes it."""


def read_recipe(folder: Path, name: str) -> dict[str, Any]:
    """Read the recipe `name` of a folder; raises InputError where there is none."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        names = sorted(recipe.stem for recipe in folder.glob("*.yaml"))
        raise InputError(f"there is no recipe {path}{nearest(name, names)}", names, "choose one of these, or write it")
    tree = read_yaml(path)
    if not isinstance(tree, dict):
        raise InputError(f"{path} holds no settings", mend="write the settings that differ from params.yaml")
    return tree


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raises InputError with the line that is not valid YAML."""
    return parse_yaml(read_text(path), str(path))


def read_text(path: Path) -> str:
    """Read a file of text; raises InputError where it is not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputError(f"{path} is not UTF-8: line {line}: {error.reason}", mend="save it as UTF-8") from None


def parse_yaml(text: str, source: str) -> Any:
    """Return what a YAML text holds; raises InputError with the line that is not valid YAML."""
    try:
        tree = YAML(typ="safe").load(text)
        odd = UNWRITABLE.search(json.dumps(tree, default=str, skipkeys=True))
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        # ruamel goes on with the values of a duplicate key before it has read them.
        problem = str(error.problem).partition(" with value")[0]
        raise InputError(f"{source} is not valid YAML: line {line}: {problem}", mend="correct that line") from None
    except RecursionError:
        raise InputError(f"{source} is nested too deep to be read", mend="write it without so many brackets") from None
    except Exception as error:  # ruamel raises errors of many kinds for values that are none, 2020-13-45 or !!int x
        reason = next(iter(str(error).splitlines()), repr(error))
        raise InputError(f"{source} is not valid YAML: {reason}", mend="correct that value") from None
    if odd:
        raise InputError(f"{source} holds the character {odd[1]}, which no file's name can hold", mend="leave it out")
    return tree


def of_another_modality(recipe: Mapping[str, Any], base: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the sections whose settings depend on the kind of input if the recipe's kind is not the base's."""
    kinds = [tree.get("competition", {}).get("modality") for tree in (recipe, base)]
    return ("model", "prepare") if kinds[0] and kinds[0] != (kinds[1] or "image") else ()


def overlaid(base: Mapping[str, Any], recipe: Mapping[str, Any], section: str = "") -> dict[str, Any]:
    """Lay a recipe over the tree of params.yaml.

    Sections are merged; something with a name and its arguments (a scheduler, a loss) is replaced as a whole, and so are the
    sections of another kind of input.
    """
    replaced = () if section else of_another_modality(recipe, base)
    tree: dict[str, Any] = {**base, **{key: {} for key in replaced}}
    for key, value in recipe.items():
        old = tree.get(key)
        # The sections model and competition have a name too.
        if isinstance(value, dict) and isinstance(old, dict) and not (section and "name" in value):
            tree[key] = overlaid(old, value, key)
        else:
            tree[key] = value
    return tree


def with_values_of(text: str, tree: Mapping[str, Any]) -> str:
    """Return the text of params.yaml with the values of `tree` and the comments of the keys that stay."""
    yaml, out = YAML(), io.StringIO()
    yaml.width, yaml.preserve_quotes = 1_000_000, True
    document = yaml.load(text)
    _take_values(document, tree)
    yaml.dump(document, out)
    if _canonical(YAML(typ="safe").load(out.getvalue())) != _canonical(tree):
        # An alias is one value in two sections, and 1 equals true: right values matter more than comments.
        out = io.StringIO()
        YAML(typ="rt").dump(tree, out)
    return out.getvalue()


def with_appended(text: str, key: str, values: Sequence[tuple[Mapping[str, Any], str]]) -> str:
    """Return the text of params.yaml with further values in the list `key`, section.name, a line each, with its comment."""
    yaml, out = YAML(), io.StringIO()
    yaml.width, yaml.preserve_quotes = 1_000_000, True
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    # As goldfold's own files are indented.
    yaml.indent(mapping=2, sequence=4, offset=2)
    document = yaml.load(text)
    section, _, name = key.partition(".")
    document[section] = document.get(section) or CommentedMap()
    items = document[section].setdefault(name, CommentedSeq())
    wanted = [*items, *(value for value, _ in values)]
    for part in (document, document[section], items):
        part.fa.set_block_style()
    for value, comment in values:
        item = CommentedMap(value)
        item.fa.set_flow_style()
        items.append(item)
        if comment:
            items.yaml_add_eol_comment(comment, len(items) - 1, column=0)
    tree = with_values(YAML(typ="safe").load(text), {key: wanted})
    yaml.dump(document, out)
    whole = _canonical(YAML(typ="safe").load(out.getvalue())) == _canonical(tree)
    return out.getvalue() if whole else with_values_of(text, tree)


def _take_values(document: MutableMapping[str, Any], tree: Mapping[str, Any]) -> None:
    for key in [key for key in document if key not in tree]:
        del document[key]
    for key, value in tree.items():
        old = document.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            _take_values(old, value)
        elif key not in document or old != value:
            document[key] = value


def _canonical(tree: Any) -> str:
    return json.dumps(tree, sort_keys=True, default=repr)


def with_values(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a tree in which each dotted key has its value; numbers in a key index lists."""
    for key, value in values.items():
        tree = _with_value(tree, key.split("."), value)
    return tree


def _with_value(tree: Any, parts: Sequence[str], value: Any) -> Any:
    if not parts:
        return value
    first, *rest = parts
    if isinstance(tree, list | tuple) and first.isdecimal() and int(first) < len(tree):
        return [_with_value(old, rest, value) if position == int(first) else old for position, old in enumerate(tree)]
    branch = tree if isinstance(tree, dict) else {}
    return {**branch, first: _with_value(branch.get(first), rest, value)}
