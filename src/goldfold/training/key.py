"""What a training is known by: a hash of all that its weights depend on."""

import hashlib
import importlib.util
import inspect
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from goldfold.config import FoldConfig
from goldfold.prepare import PreparedSet
from goldfold.scratch import repository
from goldfold.training.device import Compute

WITHOUT_EFFECT = {"max_hours", "save_minutes", "keep_state", "workers", "profile", "seeds", "precision"}
"""Settings of `train` that change neither weights nor scores; a training's seed and precision are hashed by themselves."""
LIBRARIES = ("torch", "torchvision", "timm", "albumentations", "opencv-python-headless", "numpy", "scikit-learn")
CODE = ("metrics", "competition", "prepare", "modalities", "training")


def training_key(prepared: PreparedSet, fold: int, seed: int, config: FoldConfig, compute: Compute) -> str:
    """A hash of all that the weights depend on: data, fold, seed, settings, pretrained weights, code, versions, device,
    precision, and the number of threads, by which sums on a CPU are split."""
    settings = config.model_dump(mode="json", include=set(FoldConfig.model_fields))
    settings["train"] = {name: value for name, value in settings["train"].items() if name not in WITHOUT_EFFECT}
    machine = [compute.device.type, compute.precision, torch.get_num_threads()]
    digest = hashlib.blake2b(digest_size=10)
    digest.update(json.dumps([prepared.fingerprint, fold, seed, settings, *machine]).encode())
    digest.update(",".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    labels = [repository() / config.train.pseudo.labels] if config.train.pseudo else []
    for path in [*_code(), *_own_modules(settings), *config.model.files, *labels]:
        if path.is_file():
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "blake2b").digest())
    return digest.hexdigest()


def _code() -> list[Path]:
    library = Path(inspect.getfile(FoldConfig)).parents[1]
    places = [*(library / name for name in CODE), library.parent / "own"]
    return sorted(path for place in places for path in ([place] if place.is_file() else place.rglob("*.py")))


def _own_modules(settings: Any) -> Iterator[Path]:
    """The files of the modules that params.yaml names by import path."""
    for module in sorted(set(re.findall(r'"([A-Za-z_][\w.]*):\w+"', json.dumps(settings)))):
        found = importlib.util.find_spec(module)
        if found and found.origin:
            yield Path(found.origin)
