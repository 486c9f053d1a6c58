"""The notebooks are committed as they are before they are run; tests/pipeline runs them."""

import ast
import json
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
COMMAND = re.compile(r"^( *)[!%].*", re.MULTILINE)
EXPORTS = {"onnx", "onnxscript", "onnxruntime"}
"""What a notebook does without."""


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_holds_no_outputs(path):
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    code = "\n".join("".join(cell["source"]) for cell in cells)
    assert len(code.splitlines()) < 90 and ("from goldfold" in code or re.search(r"^ *!goldfold", code, re.MULTILINE))
    # It calls the library or its commands rather than repeat them.
    tree = ast.parse(COMMAND.sub(r"\1pass", code))
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))


def test_there_are_those_that_the_readme_names():
    offline = ["01_look_at_the_data", "02_look_at_the_errors", "03_submit_offline"]
    assert [path.stem for path in NOTEBOOKS] == [*offline, "on_colab", "on_kaggle"]
    readme = (ROOT / "README.md").read_text()
    assert all(f"notebooks/{path.name}" in readme for path in NOTEBOOKS)


def test_the_hosts_notebooks_differ_in_their_first_cells_alone():
    """Each is one file that a host takes, so that what they share stands in both, word for word."""
    notebooks = (ROOT / "notebooks/on_kaggle.ipynb", ROOT / "notebooks/on_colab.ipynb")
    kaggle, colab = (json.loads(path.read_text())["cells"] for path in notebooks)
    assert kaggle[3:] == colab[3:] and len(kaggle) > 10
    names = ("SOURCE", "COMPETITION", "SETTINGS", "KEPT", "CLONE", "DATA", "saved")
    for cells in (kaggle, colab):
        assert all(re.search(rf"\b{name}\b.* = ", "".join("".join(cell["source"]) for cell in cells[1:3])) for name in names)


def asked_by(text):
    return {asked.name: asked for asked in map(Requirement, re.findall(r"^[\w.-]+[<>=]\S+", text, re.MULTILINE))}


def test_what_a_notebook_asks_for_admits_what_is_pinned():
    pinned = asked_by((ROOT / "requirements.txt").read_text().partition("# linters")[0])
    ranges = asked_by((ROOT / "requirements-notebook.txt").read_text())
    assert set(pinned) - set(ranges) == EXPORTS and set(ranges) <= set(pinned)
    for name, asked in ranges.items():
        (pin,) = pinned[name].specifier
        assert asked.specifier.contains(pin.version), name


def test_the_page_states_the_oldest_that_is_supported():
    ranges = asked_by((ROOT / "requirements-notebook.txt").read_text())
    page = (ROOT / "docs/notebooks.md").read_text()
    stated = dict(re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", page, re.MULTILINE))
    oldest = {name: spec.version for name, asked in ranges.items() for spec in asked.specifier if spec.operator == ">="}
    assert len(stated) > 5 and all(oldest[name] == version for name, version in stated.items())
