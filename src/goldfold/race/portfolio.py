"""The portfolio: the configurations that a race tries, in their order, each an overlay on params.yaml that a person can read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldfold.config import Config, parse_config
from goldfold.config.recipe import overlaid, read_recipe, read_text
from goldfold.errors import InputError

OWN = "params"
"""The name of the configuration that params.yaml holds, which every race tries last."""
FIXED = ("competition", "split", "validate", "runtime")
"""The sections that all members share: else they could not be compared, or blended."""


@dataclass(frozen=True)
class Entry:
    """A configuration of a race: its name, the tree of params.yaml under its overlay, and what it tries."""

    name: str
    tree: Mapping[str, Any] = field(repr=False)
    tries: str

    def config(self) -> Config:
        """Return its settings; raises InputError with each that is wrong."""
        config = parse_config(self.tree, self.name)
        # The race has a budget of its own.
        return config.model_copy(update={"train": config.train.model_copy(update={"max_hours": None})})


def read_portfolio(folder: Path, tree: Mapping[str, Any]) -> list[Entry]:
    """Read the portfolio for the kind of input of params.yaml, whose tree is given: the files in the order of their numbers.

    The configuration of params.yaml itself comes last. Raises InputError for a file that is no overlay, or that changes what
    all members share.
    """
    kind = tree.get("competition", {}).get("modality", "image")
    return [
        *(_read(path, tree) for path in sorted((folder / kind).glob("*.yaml"), key=_place)),
        Entry(OWN, tree, "what params.yaml says"),
    ]


def _place(path: Path) -> tuple[float, str]:
    """The place of a file: by the number that its name begins with, those without one last."""
    number = re.match(r"\d+", path.stem)
    return float(number[0]) if number else float("inf"), path.stem


def _read(path: Path, tree: Mapping[str, Any]) -> Entry:
    overlay = read_recipe(path.parent, path.stem)
    changed = [key for key in FIXED if set(overlay.get(key) or {}) - ({"modality"} if key == "competition" else set())]
    if changed:
        raise InputError(
            f"{path} changes {', '.join(changed)}, which all members of a race share",
            mend="leave that out; params.yaml says it for all of them",
        )
    # The model of params.yaml would lend its arguments to another one.
    base = {**tree, "model": {}} if "name" in (overlay.get("model") or {}) else tree
    first = read_text(path).partition("\n")[0]
    name = re.sub(r"^\d+-", "", path.stem)
    return Entry(name, overlaid(base, overlay), first.removeprefix("# Tries: ").rstrip(".") if first[:1] == "#" else "")
