"""The notebooks are committed as they are before they are run; tests/pipeline runs them."""

import ast
import json
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_holds_no_outputs(path):
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells)
    code = "\n".join("".join(cell["source"]) for cell in cells)
    assert len(code.splitlines()) < 90 and "from goldfold" in code
    # It calls the library rather than repeat it.
    assert not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(ast.parse(code)))


def test_there_are_the_three_that_the_readme_names():
    assert [path.stem for path in NOTEBOOKS] == ["01_look_at_the_data", "02_look_at_the_errors", "03_submit_offline"]
    readme = (NOTEBOOKS[0].parents[1] / "README.md").read_text()
    assert all(f"notebooks/{path.name}" in readme for path in NOTEBOOKS)
