"""Known vulnerabilities of the pinned packages, asked of osv.dev; `make audit` runs it.

It needs nothing but Python: pip-audit asks the same, and brings thirteen packages along.
"""

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

OSV = "https://api.osv.dev/v1"
WITHIN = 20.0
"""How long an answer may take, in seconds."""
FOUND, NOT_ASKED = 1, 2
"""Exit codes."""
Ask = Callable[[str, Any], Any]


class Pin(NamedTuple):
    """A package in the version that is installed."""

    name: str
    version: str


def pins_of(files: Iterable[Path]) -> list[Pin]:
    """Return what files of requirements pin, each once."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    return sorted({Pin(*found.groups()) for line in lines if (found := re.match(r"([\w.-]+)(?:\[.*\])?==([^\s;]+)", line))})


def ask_osv(path: str, question: Any = None) -> Any:
    """Ask osv.dev, and return its answer; raises OSError where there is none."""
    body = None if question is None else json.dumps(question).encode()
    with urlopen(Request(f"{OSV}/{path}", body, {"Content-Type": "application/json"}), timeout=WITHIN) as answer:
        return json.load(answer)


def told(pins: list[Pin], ask: Ask) -> Iterator[str]:
    """Return a line for each known vulnerability of a package, under the first of its names."""
    queries = [{"package": {"name": pin.name, "ecosystem": "PyPI"}, "version": pin.version} for pin in pins]
    for pin, result in zip(pins, ask("querybatch", {"queries": queries})["results"], strict=True):
        known: set[str] = set()
        for found in result.get("vulns", []):
            entry = ask(f"vulns/{found['id']}", None)
            names = {entry["id"], *entry.get("aliases", [])}
            if "withdrawn" not in entry and not known & names:
                summary = entry.get("summary") or entry.get("details", "").partition("\n")[0]
                yield f"{pin.name} {pin.version}  {entry['id']}  {summary}  ({_mended(entry, pin.name)})"
            known |= names


def _mended(entry: Any, name: str) -> str:
    """Return the versions of a package that mend a vulnerability."""
    affected = [part for part in entry.get("affected", []) if part.get("package", {}).get("name", "").lower() == name.lower()]
    events = [event for part in affected for chosen in part.get("ranges", []) for event in chosen.get("events", [])]
    fixed = sorted({event["fixed"] for event in events if re.match(r"\d+(\.|$)", event.get("fixed", ""))})
    return f"mended in {' or '.join(fixed)}" if fixed else "no version mends it yet"


def main(files: list[str], ask: Ask = ask_osv) -> int:
    """Print the known vulnerabilities of what these files pin, and return the exit code."""
    pins = pins_of(map(Path, files))
    try:
        lines = list(told(pins, ask))
    except (OSError, ValueError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
        print(f"could not ask {OSV} ({reason}): nothing is known of the {len(pins)} pinned packages; go online", file=sys.stderr)
        return NOT_ASKED
    for line in lines:
        print(line)
    print(f"{len(lines)} known vulnerabilities of {len(pins)} pinned packages, says osv.dev")
    return FOUND if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
