"""What a run needs from elsewhere: the tracking store, pretrained weights and Kaggle."""

import importlib.util
import os

from goldfold.config import Config
from goldfold.doctor.result import CheckResult, note, ok, wrong
from goldfold.errors import InputError, without_password
from goldfold.kaggle.credentials import NEW_TOKEN, find_credentials
from goldfold.kaggle.session import INSTALL
from goldfold.modalities.packages import require_weights
from goldfold.scratch import repository, scratch_folder


def tracking() -> CheckResult:
    """Check that the MLflow store answers, or its file is writable, and that no record waits."""
    from goldfold.tracking.client import connect, database, tracking_uri

    root = repository()
    uri = tracking_uri(root)
    file = database(uri)
    waiting = len(list((scratch_folder() / "outbox").glob("[0-9]*/record.json")))
    backlog = f"; {waiting} records wait, goldfold summary sends them" if waiting else ""
    try:
        if file is None or file.exists():
            connect(root)
    except InputError as error:
        result = CheckResult.of("tracking", error)
        return wrong("tracking", f"{result.message}{backlog}", f"{result.mend}; until then runs are kept, and sent later")
    if file and not os.access(file.parent, os.W_OK):
        return wrong("tracking", f"you may not write to {file.parent}", f"chmod u+w {file.parent}, or set MLFLOW_TRACKING_URI")
    shown = without_password(uri)
    return note("tracking", f"{shown}{backlog}") if waiting else ok("tracking", shown)


def weights(config: Config) -> CheckResult:
    """Check that pretrained weights are available."""
    tree = config.model.model_dump()
    models = [model for model in (tree, *tree.values()) if isinstance(model, dict) and model.get("pretrained")]
    models += [
        backbone for model in (tree, *tree.values()) if isinstance(model, dict) for backbone in model.get("backbones") or ()
    ]
    files = [str(model["weights"]) for model in models if model.get("weights")]
    names = [str(model["name"]) for model in models if not model.get("weights")]
    for file in files:
        try:
            place = require_weights(file)
        except InputError as error:
            return CheckResult.of("weights", error)
        if not place.exists():
            return wrong("weights", f"there is no {file}", "correct model.weights in params.yaml")
    if names:
        from goldfold.modalities.image.pretrained import WAYS_OUT, where_from

        for name in names:
            source = where_from(name)
            if source is None:
                return wrong("weights", f"those of {name} are not on this machine, and the hub does not answer", WAYS_OUT)
        return ok("weights", f"{', '.join(names)} from {source}")
    return ok("weights", ", ".join(files) or "none needed")


def kaggle() -> CheckResult:
    """Check that there are credentials for Kaggle, and that nobody else can read them."""
    credentials = find_credentials()
    if credentials is None:
        return note("kaggle", f"no credentials; to download or submit: {NEW_TOKEN}")
    if credentials.is_open:
        return wrong("kaggle", f"others can read {credentials.path}", f"chmod 600 {credentials.path}")
    if importlib.util.find_spec("kaggle") is None:
        return note("kaggle", f"credentials in {credentials.source}; the client is not installed: {INSTALL}")
    return ok("kaggle", f"credentials in {credentials.source}")
