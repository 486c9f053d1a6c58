"""The notebooks, run on the embedded competition."""

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel are not installed")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")


@pytest.mark.parametrize("name", ["01_look_at_the_data", "02_look_at_the_errors", "03_submit_offline"])
def test_a_notebook_runs_to_its_end(clone, name, monkeypatch):
    for key, value in clone.env().items():
        monkeypatch.setenv(key, value)
    path = clone.folder / "notebooks" / f"{name}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    resources = {"metadata": {"path": str(path.parent)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    text = "".join(output.get("text", "") or output.get("data", {}).get("text/plain", "") for output in outputs)
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    frames = [output for output in outputs if "<iframe" in output.get("data", {}).get("text/html", "")]
    if name.startswith("01"):
        assert "1437 training rows" in text and len(pictures) == 2
    elif name.startswith("02"):
        assert "out-of-fold rows" in text and len(frames) == 5 and "were taken for" in text
    else:
        assert "byte for byte the pipeline's submission" in text and len(pictures) == 1
        assert (Path(clone.folder) / "experiments/bundles/offline/predict.ipynb").is_file()
