"""What a run talks to: the tracking store, weights to start from, and Kaggle."""

import importlib.util
import os
from pathlib import Path

from goldfold.config import Config
from goldfold.doctor.finding import Finding, note, ok, wrong
from goldfold.kaggle.client import INSTALL
from goldfold.kaggle.credentials import NEW_TOKEN, find_credentials
from goldfold.scratch import repository, scratch_folder


def tracking() -> Finding:
    """The MLflow store answers, or its file can be written; nothing waits to be sent."""
    from goldfold.tracking.store import Unreachable, require_answer, tracking_uri

    uri = tracking_uri(repository())
    waiting = len(list((scratch_folder() / "outbox").glob("[0-9]*/record.json")))
    told = f"; {waiting} records wait, goldfold summary sends them" if waiting else ""
    try:
        require_answer(uri)
    except Unreachable as error:
        mend = "start it, or correct MLFLOW_TRACKING_URI, or unset it for mlflow.db here; runs go on and are sent later"
        return wrong("tracking", f"{error}{told}", mend)
    if uri.startswith("sqlite:///"):
        file = Path(uri.removeprefix("sqlite:///"))
        place = file if file.exists() else file.parent
        if not os.access(place, os.W_OK):
            return wrong("tracking", f"{place} cannot be written by you", f"chmod u+w {place}, or set MLFLOW_TRACKING_URI")
    return note("tracking", f"{uri}{told}") if waiting else ok("tracking", uri)


def weights(config: Config) -> Finding:
    """The pretrained weights of a network for images can be had."""
    tree = config.model.model_dump()
    models = [model for model in (tree, *tree.values()) if isinstance(model, dict) and model.get("pretrained")]
    files = [str(model["weights"]) for model in models if model.get("weights")]
    asked = [str(model["name"]) for model in models if not model.get("weights")]
    lost = [file for file in files if not Path(file).is_file()]
    if lost:
        return wrong("weights", f"there is no {lost[0]}", "correct model.weights in params.yaml")
    if asked:
        from goldfold.modalities.image.pretrained import WAYS_OUT, where_from

        for name in asked:
            place = where_from(name)
            if place is None:
                return wrong("weights", f"those of {name} are not on this machine, and the hub does not give them", WAYS_OUT)
        return ok("weights", f"{', '.join(asked)} from {place}")
    return ok("weights", ", ".join(files) or "none are asked for")


def kaggle() -> Finding:
    """Whether Kaggle can be asked, and nobody else can read the credentials."""
    found = find_credentials()
    if found is None:
        return note("kaggle", f"no credentials; to download or submit: {NEW_TOKEN}")
    if found.is_open:
        return wrong("kaggle", f"others can read {found.path}", f"chmod 600 {found.path}")
    if importlib.util.find_spec("kaggle") is None:
        return note("kaggle", f"credentials in {found.source}; the client is not installed: {INSTALL}")
    return ok("kaggle", f"credentials in {found.source}")
