import io
import subprocess
import sys

import pytest
from rich.progress import Progress
from tests.conftest import ROOT

from goldfold.competition import Decision
from goldfold.errors import InputError, exit_with_message
from goldfold.pages.html import element
from goldfold.terminal import FoldProgress, clock, number, show_decisions, show_prepared
from goldfold.terminal.plain import PlainConsole, plain_column
from goldfold.training.reporter import Plan


def summary(classes):
    return {
        "problem": {"name": "mine"},
        "rows": {"train": 6, "test": 2},
        "inputs": "images of 8x8 to 9x9",
        "decided": [{"setting": "task", "value": "multiclass", "why": "label has 3 different values"}],
        "content": {"classes": dict.fromkeys(classes, 4)},
        "folds": {
            "-1": {"rows": 1, "classes": dict.fromkeys(classes, 1)},
            "0": {"rows": 5, "classes": dict.fromkeys(classes, 3)},
        },
        "blank": ["x.png: the file is empty"],
    }


def test_what_prepare_decided_is_a_short_table(capsys):
    show_prepared(summary("abc"))
    said = capsys.readouterr().out
    assert "mine: 6 training rows, 2 test rows, images of 8x8 to 9x9" in said and "label has 3 different values" in said
    assert "never" in said and "left blank: x.png" in said
    assert [line.split() for line in said.splitlines() if line.split()[:1] == ["0"]] == [["0", "5", "3", "3", "3"]]


def test_many_classes_are_told_by_the_fewest_and_the_most(capsys):
    show_prepared(summary([f"a class with a long name {n}" for n in range(99)]))
    said = capsys.readouterr().out
    assert "fewest of 99 classes" in said and "…" not in said


ODD = ("[/7]", "[red]", ":smile:", "[link=x]y", "\\[x]")


def test_what_data_says_is_printed_as_it_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    show_prepared({**summary(ODD), "blank": [f"{name}.png: empty" for name in ODD]})
    show_decisions([Decision(f"column {name}", name, f"because of {name}") for name in ODD])
    FoldProgress().note(" ".join(ODD))
    said = capsys.readouterr().out
    assert all(said.count(name) == 6 for name in ODD), said


def test_a_bar_shows_what_data_says_as_it_is():
    drawn = io.StringIO()
    with Progress(plain_column("{task.fields[status]}"), console=PlainConsole(file=drawn, force_terminal=True)) as bar:
        bar.add_task("", status=" ".join(ODD))
    assert " ".join(ODD) in drawn.getvalue()


def test_a_notebook_gets_lines_though_it_asks_for_colours(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert PlainConsole(file=io.StringIO()).is_terminal
    monkeypatch.setenv("JPY_PARENT_PID", "1")
    assert not PlainConsole(file=io.StringIO()).is_terminal


COMMANDS = {
    "\x1b[2J": r"\x1b[2J",
    "a\rb": r"a\rb",
    "\a": r"\x07",
    "\x9b31m": r"\x9b31m",
    "\u202egnp": r"\u202egnp",
    "\0": r"\x00",
}
"""What commands a terminal, or turns a text around, and how it is shown."""


@pytest.mark.parametrize("command", COMMANDS)
def test_what_data_says_commands_no_terminal(capsys, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "200")
    show_prepared({**summary([f"{command}1", "b"]), "blank": [f"{command}.png: empty"]})
    show_decisions([Decision("column", command, f"because of {command}")])
    with Progress(plain_column("{task.fields[status]}"), console=PlainConsole(force_terminal=True)) as bar:
        bar.add_task("", status=command)
    with pytest.raises(SystemExit), exit_with_message():
        raise InputError(f"no column {command}")
    said = capsys.readouterr()
    assert command not in said.out + said.err
    assert said.out.count(COMMANDS[command]) >= 6 and COMMANDS[command] in said.err


def test_what_a_command_prints_commands_no_terminal():
    code = f"from goldfold.process import run_to_end; run_to_end(lambda: print('\x1b[2J', {str(ROOT)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", capture_output=True, text=True, check=True)
    assert done.stdout == f"\\x1b[2J {ROOT}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_page_shows_what_would_command_a_terminal(command):
    assert COMMANDS[command] in element("p", command, title=command) and command not in element("p", command, title=command)


def test_a_fold_that_fails_says_how_far_it_came(capsys):
    row = {"epoch": 0, "train_loss": 1.0, "valid_loss": 1.0, "accuracy": 0.5, "lr": 0.1, "rows_per_second": 9.0}
    progress = FoldProgress()
    progress.started(Plan("fold 3", 2, 10, 6, 2, "accuracy", "cpu", "fp32", 1))
    progress.epoch_ended(row, best=True)
    progress.ended(done=False)
    assert "fold 3: stopped, best so far accuracy 0.5000 in epoch 1" in capsys.readouterr().out


@pytest.mark.parametrize(("score", "told"), [(1.0, "1.0000"), (0.987654, "0.98765"), (12345.6, "12346")])
def test_a_score_has_five_digits(score, told):
    assert number(score) == told


@pytest.mark.parametrize(("seconds", "told"), [(7, "0:07"), (61, "1:01"), (3723, "1:02:03")])
def test_a_clock(seconds, told):
    assert clock(seconds) == told
