"""Makes `import goldfold` mean the clone that one stands in.

Several clones share one environment, and DVC runs queued experiments in copies of the repository. So the environment
holds the dependencies alone, and the code is always the one beside the work: src/ of the working directory, or of the
nearest folder above it.
"""

import os
import sys


def find_clone() -> str | None:
    folder = os.getcwd()
    while True:
        if os.path.isfile(os.path.join(folder, "src", "goldfold", "__init__.py")):
            return os.path.join(folder, "src")
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above


def main() -> None:
    """Run the `goldfold` command of the clone."""
    if find_clone() is None:
        sys.exit("goldfold: this is no goldfold repository; run the command inside your clone")
    from goldfold.cli import main as run

    run()


try:
    _source = find_clone()
except OSError:
    _source = None
if _source:
    sys.path.insert(0, _source)
