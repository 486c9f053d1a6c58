"""Take the params.yaml and the recipes of an older goldfold along: settings that are spelt otherwise now."""

import argparse
from pathlib import Path
from typing import Any

from goldfold.as_json import Answer
from goldfold.config.older import Along, is_older, taken_along
from goldfold.config.params import wrong_settings
from goldfold.config.recipe import parse_yaml, read_text, read_yaml
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.init.params import PARAMS, respelled, written
from goldfold.prepare import PreparedSet
from goldfold.runs.paths import PREPARED, RECIPES


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add a look ahead."""
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")


def run(args: argparse.Namespace) -> Answer:
    """Respell params.yaml and each older recipe, say what changed and what is left; raises InputError for a newer file."""
    params = read_yaml(PARAMS) if PARAMS.is_file() else None
    if not isinstance(params, dict):
        raise InputError(f"there are no settings in {PARAMS}", mend="run this in the root of the repository")
    recipes = [path for path in sorted(RECIPES.glob("*.yaml")) if is_older(read_yaml(path))]
    found = {path: _along(path) for path in (PARAMS, *recipes)}
    _require_known(found[PARAMS].tree)
    answer = [_told(path, along) for path, along in found.items()]
    changed = [path for path, along in found.items() if along.taken]
    for path in [] if args.dry_run else changed:
        text = respelled(read_text(path), found[path])
        with written_whole(path) as draft:
            draft.write_text(text, encoding="utf-8")
    if not changed:
        print(f"{PARAMS} is spelt as this version spells it: nothing to change")
    else:
        print("nothing is written (--dry-run)" if args.dry_run else "written; `git diff` shows it")
    stale = _stale()
    if stale:
        print(stale)
    return {"files": answer, "written": bool(changed) and not args.dry_run, "prepared": stale or None}


def _along(path: Path) -> Along:
    return taken_along(parse_yaml(read_text(path), str(path)), str(path))


def _require_known(tree: dict[str, Any]) -> None:
    """Raise InputError where this version refuses what no older one wrote either."""
    if messages := wrong_settings(tree):
        mend = "if a newer goldfold wrote them, take its code (git pull); else correct them, and migrate again"
        raise InputError(f"{PARAMS} has settings that neither this goldfold nor an older one knows; it stays", messages, mend)


def _told(path: Path, along: Along) -> dict[str, Any]:
    """Print what changes in a file and what is left to its owner; return it for programs."""
    changes = [
        f"{change.old}: {written(change.before)} is now {change.new}: {written(change.after)} (since {change.since})"
        for change in along.taken
    ]
    # What a recipe leaves out is params.yaml's.
    left = list(along.left) if path == PARAMS else []
    for title, lines in ((f"{path}:", changes), ("yours to decide:", left)):
        print(*([title, *(f"  {line}" for line in lines)] if lines else []), sep="\n", end="\n" if lines else "")
    return {"file": str(path), "changed": changes, "left": left}


def _stale() -> str:
    """What to say of a prepared set that this version cannot read; empty where it can, or there is none."""
    if not (PREPARED / "prepared.json").is_file():
        return ""
    try:
        PreparedSet.load(PREPARED)
    except InputError:
        return f"{PREPARED} is of another version, or damaged: `dvc repro` makes it again"
    return ""
