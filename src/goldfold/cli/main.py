"""The commands, each a module with `arguments(parser)` and `run(args)` that is imported when it is called."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from inspect import signature
from keyword import iskeyword
from pathlib import Path
from typing import Any

from goldfold.as_json import print_as_json
from goldfold.errors import InputError
from goldfold.imports import nearest
from goldfold.process import run_to_end

COMMANDS = (
    "init",
    "doctor",
    "check",
    "migrate",
    "try",
    "summary",
    "run",
    "resume",
    "lr-find",
    "overfit",
    "model",
    "predict",
    "export",
    "compare",
    "import",
    "blend",
    "worth",
    "pseudo-label",
    "submit",
    "score",
    "leaderboard",
    "sweep",
    "race",
    "features",
    "report",
    "prune",
    "bundle",
    "ui",
    "demo",
    "schema",
)


def main() -> None:
    """Run the command that sys.argv names, and end the process with its exit code."""
    run_to_end(lambda: run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> None:
    """Run a command, or list them all; raises InputError for an unknown one."""
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        print(overview())
        return
    if name == "--completion":
        print(completion(*rest))
        return
    if name not in COMMANDS:
        raise InputError(f"there is no command {name}{nearest(name, COMMANDS)}", mend="goldfold --help lists them")
    command = import_module(f"goldfold.cli.{_module(name)}")
    parser = argparse.ArgumentParser(prog=f"goldfold {name}", description=command.__doc__)
    _add_arguments(parser, command)
    # Settings such as target=y may stand after options. What is passed on to another program stays as it is.
    passes_on = any(action.nargs == argparse.REMAINDER for action in parser._actions)
    args = parser.parse_args(rest) if passes_on else parser.parse_intermixed_args(rest)
    if not _answers(command):
        command.run(args)
        return
    answer = print_as_json(name, lambda: command.run(args)) if args.json else command.run(args)
    if code := answer.get("exit_code"):
        raise SystemExit(code)


def overview() -> str:
    """Return all commands with the first lines of their docstrings, read without importing them."""
    usage = "usage: goldfold COMMAND …        goldfold COMMAND --help says more\n\nFrom a competition's files to a submission.\n"
    return "\n".join([usage, *(f"  {name:<14}{_first_line(name)}" for name in COMMANDS)])


def completion(shell: str = "bash") -> str:
    """Return the script by which a shell (bash, zsh, fish or tcsh) completes commands, options and files."""
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        raise InputError(f"there is no completion for {shell}", mend=f"give one of {', '.join(shtab.SUPPORTED_SHELLS)}")
    parser = argparse.ArgumentParser(prog="goldfold")
    commands = parser.add_subparsers()
    for name in COMMANDS:
        command = commands.add_parser(name, help=_first_line(name))
        _add_arguments(command, import_module(f"goldfold.cli.{_module(name)}"))
        for argument in command._actions:
            if argument.type is Path:
                vars(argument)["complete"] = shtab.FILE
    return shtab.complete(parser, shell)


def _add_arguments(parser: argparse.ArgumentParser, command: Any) -> None:
    """Add a command's arguments, and --json where it answers."""
    command.arguments(parser)
    if _answers(command):
        told = "print what it finds as JSON (docs/json.md), and the rest to stderr"
        parser.add_argument("--json", action="store_true", help=told)


def _answers(command: Any) -> bool:
    """Whether a command returns what it finds."""
    return signature(command.run, eval_str=True).return_annotation is not None


def _module(name: str) -> str:
    return name.replace("-", "_") + "_" * iskeyword(name)


def _first_line(name: str) -> str:
    """Return the first line of a command's docstring."""
    with Path(__file__).with_name(f"{_module(name)}.py").open(encoding="utf-8") as source:
        return source.readline().strip().strip('"').rstrip(".")


if __name__ == "__main__":
    main()
