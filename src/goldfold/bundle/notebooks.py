"""The notebook of a bundle."""

import re
from pathlib import Path
from typing import Any

TITLE = """\
# {competition}: {name}

Predicts the competition's test set by the models of the run `{name}`, also the hidden one when the notebook is run again.
It needs no network: attach this bundle as a data set, and turn the internet off.
"""

PLACES = """\
import os
from pathlib import Path

BUNDLE = Path(os.environ.get("GOLDFOLD_BUNDLE", "/kaggle/input/{bundle}"))  # this bundle
DATA = Path(os.environ.get("GOLDFOLD_DATA", "{data}"))  # the competition's files
for place, name in ((BUNDLE, "the bundle"), (DATA, "the competition")):
    there = sorted(map(str, place.parent.glob("*")))
    assert place.is_dir(), f"{{name}} is not at {{place}}: correct the path above, perhaps to one of {{there}}"
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
    """The notebook as JSON holds it (nbformat 4.5), without outputs; `bundle` is the folder that becomes a data set on Kaggle."""
    # Kaggle names data sets by small letters, digits and dashes.
    slug = re.sub(r"[^a-z0-9]+", "-", bundle.lower()).strip("-")
    codes = [PLACES.format(bundle=slug, data=data.as_posix()), INSTALL, PREDICT]
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": TITLE.format(competition=competition, name=name)}
    cells: list[dict[str, Any]] = [
        {"cell_type": "code", "id": f"code-{place}", "metadata": {}, "execution_count": None, "outputs": [], "source": code}
        for place, code in enumerate(codes)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": [title, *cells], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
