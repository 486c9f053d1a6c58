"""The process that others are forked from, with all imports done."""

import multiprocessing
import os
import sys
from multiprocessing import forkserver
from typing import Any

from goldfold.config import Config
from goldfold.imports import modality_modules
from goldfold.process import cores

CONTEXT: Any = multiprocessing.get_context("forkserver")
ENGINE = "goldfold.engines.here"


def begin_imports(config: Config) -> None:
    """Begin the imports of the processes that may train, if there may be several, while this process does its own."""
    runtime, trainings = config.runtime, len(config.trainings)
    several = trainings > 1 and runtime.jobs != 1 and cores() > 1
    if runtime.engine == "here" and (several or runtime.devices_per_job > 1):
        # The competitor's own may change while this process lives.
        modules = [name for name in modality_modules(config.competition.modality, "learning") if name.startswith("goldfold.")]
        start_forkserver(*modules, *config.model.libraries)


def start_forkserver(*modules: str) -> None:
    """Start the process that others are forked from, unless it runs, to import the engine and these modules."""
    CONTEXT.set_forkserver_preload([ENGINE, *modules])
    before = os.environ.get("PYTHONPATH")
    # In some Pythons it looks for modules elsewhere than this process does.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
