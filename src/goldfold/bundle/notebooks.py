"""The notebook of a bundle."""

from pathlib import Path
from typing import Any

from goldfold.bundle.names import data_set_name

TITLE = """\
# {competition}: {name}

Predicts the competition's test set by the models of the run `{name}`, and the hidden one in the rerun.
It needs no network: attach this bundle as a data set, and turn the internet off.
"""

PATHS = """\
import os
from pathlib import Path

BUNDLE = Path(os.environ.get("GOLDFOLD_BUNDLE", {bundle!r}))  # this bundle
DATA = Path(os.environ.get("GOLDFOLD_DATA", {data!r}))  # the competition's files
for path, name in ((BUNDLE, "the bundle"), (DATA, "the competition")):
    siblings = sorted(map(str, path.parent.glob("*")))
    assert path.is_dir(), f"{{name}} is not at {{path}}: correct the path above, perhaps to one of {{siblings}}"
"""

INSTALL = """\
import subprocess
import sys
import tempfile

site = tempfile.mkdtemp()
wheels = [str(path) for path in sorted((BUNDLE / "wheels").glob("*.whl"))]
command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", site, *wheels]
subprocess.run(command, check=True)
sys.path[:0] = [site, str(BUNDLE)]
"""

PREDICT = """\
from goldfold.bundle import predict_bundle

predict_bundle(BUNDLE, DATA, Path("submission.csv"))
"""


def notebook(name: str, competition: str, bundle: str, data: Path) -> dict[str, Any]:
    """Return the notebook as JSON (nbformat 4.5), without outputs; `bundle` is the folder that becomes a data set on Kaggle."""
    codes = [PATHS.format(bundle=f"/kaggle/input/{data_set_name(bundle)}", data=data.as_posix()), INSTALL, PREDICT]
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": TITLE.format(competition=competition, name=name)}
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"code-{number}", "metadata": {}, "execution_count": None, "outputs": [], "source": code}
        for number, code in enumerate(codes)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": [title, *cells], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
