"""Writing settings into params.yaml as text, so that comments and all other sections stay as they are."""

import io
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node

from goldfold.config import FinetuneConfig, TrainConfig, parse_config
from goldfold.config.older import Along, Taken
from goldfold.config.recipe import parse_yaml, with_values, with_values_of
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.init.setting import Setting
from goldfold.programs import git

WHOLE = ("competition", "prepare", "model", "augment")
"""The sections that are written anew; in the others only values change."""
DEFAULTS = {"train": TrainConfig(), "finetune": FinetuneConfig()}
PARAMS = Path("params.yaml")


def require_committed() -> None:
    """Raise InputError if params.yaml has uncommitted changes, which would be lost."""
    status = git("status", "--porcelain", str(PARAMS))
    if status.returncode:
        raise InputError(
            "this folder is not in git, which keeps the params.yaml that init replaces",
            mend="git init && git add -A && git commit -m start; or goldfold init … --print, which writes nothing",
        )
    if status.stdout.strip():
        raise InputError(
            "params.yaml has uncommitted changes, and init would overwrite them",
            mend="git commit params.yaml keeps them, git restore params.yaml drops them; "
            "goldfold init … --print shows what init would write",
        )


def proposed(text: str, settings: Sequence[Setting]) -> str:
    """Return the text of params.yaml with the settings, whatever its style; raises InputError if it would not be valid.

    A text in another style than goldfold's own, as {…}, is written anew in that; where even its aliases stand in the way, right
    values matter more than reasons.
    """
    tree = parse_yaml(text, str(PARAMS))
    wanted = _with_settings(tree, settings)
    expected = parse_config(wanted, "the params.yaml that init made").model_dump()
    for styled in (str, _in_block_style):
        with suppress(InputError, YAMLError):
            made = _mended(styled(text), settings)
            if parse_config(parse_yaml(made, str(PARAMS))).model_dump() == expected:
                return made
    return with_values_of(text, wanted)


def _with_settings(tree: Any, settings: Sequence[Setting]) -> dict[str, Any]:
    """The tree of params.yaml with the settings; some sections hold nothing else."""
    anew = {setting.section for setting in settings} & set(WHOLE)
    made = {key: value for key, value in (tree or {}).items() if key not in anew}
    return dict(with_values(made, {setting.key: setting.value for setting in settings if not setting.is_remark}))


def _in_block_style(text: str) -> str:
    """The text of params.yaml with a line for each key of a section, indented by two."""
    yaml, out = YAML(), io.StringIO()
    yaml.width, yaml.preserve_quotes = 1_000_000, True
    document = yaml.load(text)
    for part in (document, *document.values()):
        if isinstance(part, CommentedMap):
            part.fa.set_block_style()
    yaml.dump(document, out)
    return out.getvalue()


def _mended(text: str, settings: Sequence[Setting]) -> str:
    """The text of params.yaml in goldfold's own style with the settings, and with all comments of what stays."""
    for section in WHOLE:
        own = [setting for setting in settings if setting.section == section]
        if own:
            text = _with_section(text, section, _section(section, own))
    for setting in settings:
        if setting.section not in WHOLE:
            text = _with_value(text, setting)
    return text


def respelled(text: str, along: Along) -> str:
    """Return the text of params.yaml with the changes of `along`, every other character as it was.

    Where a key stands in another way than on a line of its own, as one that moves out of {…}, comments may move.
    """
    made = text
    for change in along.taken:
        with suppress(LookupError, YAMLError):
            made = _respelled(made, change)
    with suppress(InputError):
        if parse_yaml(made, str(PARAMS)) == along.tree:
            return made
    return with_values_of(text, along.tree)


def _respelled(text: str, change: Taken) -> str:
    """The text with one change; raises LookupError where the key does not stand in its section."""
    section, _, name = change.old.partition(".")
    new_section, _, new_name = change.new.partition(".")
    key, value = _nodes(_nodes(YAML().compose(text), section)[1], name)
    start, end = key.start_mark.index, value.end_mark.index
    if new_section == section:
        return f"{text[:start]}{new_name}: {written(change.after)}{text[end:]}"
    begin, stop = text.rfind("\n", 0, start) + 1, text.find("\n", end) + 1 or len(text)
    comment = text[end:stop].strip().removeprefix("#").strip()
    rest = f"{text[:begin]}{text[stop:]}"
    setting = Setting(change.new, change.after, comment)
    span = _span(rest.splitlines(keepends=True), new_section)
    if span is None:
        return _with_section(rest, new_section, _section(new_section, [setting]))
    lines = rest.splitlines(keepends=True)
    lines.insert(span[1], _section(new_section, [setting]).partition("\n")[2])
    return "".join(lines)


def _nodes(mapping: Node | None, key: str) -> tuple[Node, Node]:
    """The nodes of a key and its value in a mapping; raises LookupError where there is none."""
    pairs = mapping.value if isinstance(mapping, MappingNode) else []
    found = next(((name, value) for name, value in pairs if name.value == key), None)
    if found is None:
        raise LookupError(key)
    return found


def write(text: str) -> None:
    """Write params.yaml, whole."""
    require_committed()
    with written_whole(PARAMS) as draft:
        draft.write_text(text, encoding="utf-8")


def written(value: Any) -> str:
    """Return a value in YAML, on one line."""
    yaml, stream = YAML(typ="safe", pure=True), io.StringIO()
    yaml.default_flow_style, yaml.width, yaml.allow_unicode = True, 1_000_000, True
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.dump(value, stream)
    return stream.getvalue().removesuffix("...\n").strip()


def _section(name: str, settings: Sequence[Setting]) -> str:
    """A whole section as text."""
    if len(settings) == 1 and not settings[0].name and not settings[0].is_remark:
        (alone,) = settings
        if isinstance(alone.value, list) and alone.value:
            items = "".join(f"  - {written(item)}\n" for item in alone.value)
            return f"{name}:{_comment(alone.why)}\n{items}"
        return f"{name}: {written(alone.value)}{_comment(alone.why)}\n"
    lines = [
        f"  # {setting.why}\n" if setting.is_remark else f"  {setting.name}: {written(setting.value)}{_comment(setting.why)}\n"
        for setting in settings
    ]
    return f"{name}:\n{''.join(lines)}"


def _comment(why: str) -> str:
    return f" # {why}" if why else ""


def _with_section(text: str, section: str, content: str) -> str:
    lines = text.splitlines(keepends=True)
    span = _span(lines, section)
    if span is None:
        return text.rstrip("\n") + f"\n\n{content}"
    return "".join(lines[: span[0]]) + content + "".join(lines[span[1] :])


def _span(lines: Sequence[str], section: str) -> tuple[int, int] | None:
    """The lines of a top-level section, from its key to its last non-empty one; None without the section."""
    start = next((at for at, line in enumerate(lines) if re.match(rf"{section}\s*:", line)), None)
    if start is None:
        return None
    end = last = start + 1
    while end < len(lines) and (not lines[end].strip() or lines[end].startswith((" ", "\t", "- "))):
        end += 1
        last = end if lines[end - 1].strip() else last
    return start, last


def _with_value(text: str, setting: Setting) -> str:
    """The text with another value of a key; its comment stays unless the setting has one."""
    lines = text.splitlines(keepends=True)
    span = _span(lines, setting.section)
    if span is None:
        return _with_section(text, setting.section, _section(setting.section, [setting]))
    at = next((at for at in range(span[0] + 1, span[1]) if re.match(rf"  {setting.name}\s*:", lines[at])), None)
    if at is None:
        if _is_default(setting):
            return text
        at = span[1]
        lines.insert(at, "\n")
    end = at + 1
    while end < span[1] and re.match(r"   |  - ", lines[end]):
        end += 1
    old = re.search(r"\s#\s(.*)$", lines[at])
    why = setting.why or (old[1].rstrip() if old else "")
    lines[at:end] = [f"  {setting.name}: {written(setting.value)}{_comment(why)}\n"]
    return "".join(lines)


def _is_default(setting: Setting) -> bool:
    section = DEFAULTS.get(setting.section)
    return section is not None and section.model_dump().get(setting.name, ...) == setting.value
