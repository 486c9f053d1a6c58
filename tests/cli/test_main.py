"""The table of commands, and what it costs to ask for one."""

import ast
import subprocess
import sys
from keyword import iskeyword
from pathlib import Path

import pytest

import goldfold.cli
from goldfold.cli.main import COMMANDS, completion, run_command
from goldfold.errors import InputError

FOLDER = Path(goldfold.cli.__file__).parent
MODULES = {path.stem: ast.parse(path.read_text()) for path in FOLDER.glob("*.py")}


def imported_by(code):
    """The heavy libraries that are imported once `code` has run in a process of its own."""
    heavy = ["torch", "mlflow", "pandas", "pydantic", "sklearn"]
    program = f"{code}\nimport sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=FOLDER.parents[1])
    return ast.literal_eval(done.stdout.splitlines()[-1])


def test_each_module_is_a_command_and_each_command_a_module():
    named = {name.replace("-", "_") + "_" * iskeyword(name) for name in COMMANDS}
    assert named == set(MODULES) - {"__init__", "main", "arguments"}
    for name in named:
        functions = {node.name for node in MODULES[name].body if isinstance(node, ast.FunctionDef)}
        assert {"arguments", "run"} <= functions, name


def test_no_command_imports_another():
    for name, tree in MODULES.items():
        taken = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and name != "__init__"}
        assert {module for module in taken if module and module.startswith("goldfold.cli")} <= {"goldfold.cli.arguments"}, name


def test_the_overview_names_each_command_and_imports_none(capsys):
    run_command(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("  ")] == list(COMMANDS)
    assert any(line.startswith("  check         Check params.yaml and how the competition's files are read") for line in lines)
    assert imported_by("from goldfold.cli.main import run_command; run_command(['--help'])") == []


@pytest.mark.slow
@pytest.mark.parametrize("command", ["check", "run", "init", "resume", "summary"])
def test_a_quick_command_imports_no_torch(command):
    assert not {"torch", "mlflow", "sklearn"} & set(imported_by(f"import goldfold.cli.{command}"))


@pytest.mark.slow
def test_a_shell_completes_commands_their_options_and_files(tmp_path):
    script = tmp_path / "goldfold.bash"
    script.write_text(completion("bash"))
    said = "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _shtab_goldfold; echo ${COMPREPLY[@]}"

    def complete(words):
        asked = ["bash", "-c", f"source {script}; COMP_WORDS=({words}); {said}"]
        return subprocess.run(asked, capture_output=True, text=True, check=True, cwd=tmp_path).stdout.split()

    assert complete("goldfold lead") == ["leaderboard"]
    assert complete("goldfold compare --js") == ["--json"]
    assert "goldfold.bash" in complete("goldfold predict gold")
    with pytest.raises(InputError, match="no completion for cmd"):
        completion("cmd")


def test_a_misspelt_command_names_the_nearest():
    with pytest.raises(InputError, match=r"(?s)there is no command comapre; did you mean compare\?.*goldfold --help"):
        run_command(["comapre"])


def test_settings_may_follow_options(tmp_path, capsys):
    rows = "".join(f"{n},{n * 7 % 10},{n % 2}\n" for n in range(40))
    (tmp_path / "train.csv").write_text("id,x,y\n" + rows)
    (tmp_path / "test.csv").write_text("id,x\n100,3\n101,4\n")
    run_command(["init", str(tmp_path), "--yes", "--print", "metric=f1"])
    assert "metric: f1 " in capsys.readouterr().out


def test_wrong_arguments_are_exit_code_2(capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(["prune", "--keep", "0"])
    assert ended.value.code == 2 and "give a whole number from 1 to 1,000,000,000, not 0" in capsys.readouterr().err


ODD_LINES = (
    *("ui --port 99999", "ui --port 0", "overfit --steps -5", "lr-find --steps 0"),
    *("overfit --fold -1", "bundle --hours nan", "bundle --megabytes -1"),
)


@pytest.mark.parametrize("line", ODD_LINES)
def test_a_number_that_an_option_does_not_take_is_told(line, capsys):
    with pytest.raises(SystemExit) as ended:
        run_command(line.split())
    assert ended.value.code == 2 and "give a" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_a_recipe_that_is_no_utf8_is_told(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("competition: {path: x}\nmodel: {name: x}\n")
    (tmp_path / "experiments/recipes").mkdir(parents=True)
    (tmp_path / "experiments/recipes/mine.yaml").write_bytes(b"train: {loss: caf\xe9}")
    with pytest.raises(InputError, match=r"mine.yaml is not UTF-8: line 1"):
        run_command([command, "mine"])
