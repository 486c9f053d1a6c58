"""The files of runs and of their models, in MLflow."""

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from urllib.request import url2pathname

from goldfold.files import link
from goldfold.tracking.client import Client, Refused, Taken, Unreachable
from goldfold.tracking.record import WEIGHTS

MODEL = "model"
"""The name of a run's model, and the folder of a record's artifacts that are that model's."""
MODEL_NEEDS = (
    "torch",
    "torchvision",
    "timm",
    "albumentations",
    "opencv-python-headless",
    "pillow",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "iterative-stratification",
    "huggingface_hub",
    "filelock",
    "psutil",
    "pydantic",
    "ruamel.yaml",
    "safetensors",
)


def log_file(client: Client, info: Any, source: Path, target: str) -> None:
    """Log a file to a folder of a run; in a store on this disk, weights are linked."""
    if not _link_weights(info.artifact_uri, source, target):
        client.log_artifact(info.run_id, str(source), target)


def log_model(client: Client, run: Any, files: Mapping[str, str]) -> None:
    """Log the files of a run's model, with its scores; they are the run's own where the store keeps no models."""
    run_id, model = run.info.run_id, _model(client, run)
    for source, target in files.items():
        within = "/".join(Path(target).parts[1:])
        if model is None:
            log_file(client, run.info, Path(source), target)
        elif not _link_weights(model.artifact_location, Path(source), within):
            client.log_model_artifact(model.model_id, source, within or None)
    if model is None:
        return
    client.finalize_logged_model(model.model_id, "READY")
    if not run.outputs or model.model_id not in {one.model_id for one in run.outputs.model_outputs}:
        from mlflow.entities import LoggedModelOutput

        client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    _score_model(client, run, model)


def model_folder(client: Client, run: Any) -> Path | None:
    """Return the folder of a run's model if it is on this disk; None where it has none."""
    outputs = run.outputs.model_outputs if run.outputs else []
    return local_folder(client.get_logged_model(outputs[0].model_id).artifact_location) if outputs else None


def register_model(client: Client, run: Any, name: str) -> str:
    """Register a run's model under a name, once; return its version, and "" where the run has no model."""
    if not run.outputs or not run.outputs.model_outputs:
        return ""
    model_id = run.outputs.model_outputs[0].model_id
    with suppress(Taken):
        client.create_registered_model(name)
    versions = client.search_model_versions(f"name = '{name}'")
    version = next((one for one in versions if one.run_id == run.info.run_id), None)
    if version is None:
        # An address of models:/ would be looked up in the store of MLflow's own settings.
        source = client.get_logged_model(model_id).artifact_location
        version = client.create_model_version(name, source, run.info.run_id, model_id=model_id)
    return str(version.version)


def _model(client: Client, run: Any) -> Any:
    """A run's model, made if it is missing; None where the store keeps no models."""
    experiment, run_id = run.info.experiment_id, run.info.run_id
    try:
        existing = client.search_logged_models([experiment], f"source_run_id = '{run_id}'", max_results=1)
        return existing[0] if existing else client.create_logged_model(experiment, MODEL, run_id)
    except (Unreachable, Refused):
        client.search_experiments(max_results=1)
        return None


def _score_model(client: Client, run: Any, model: Any) -> None:
    """Log a run's scores to its model, as those of the training table."""
    table = next((one.dataset for one in run.inputs.dataset_inputs if one.dataset.name.endswith("-train")), None)
    of = {"dataset_name": table.name, "dataset_digest": table.digest} if table else {}
    for name in run.data.metrics:
        last = client.get_metric_history(run.info.run_id, name)[-1]
        options = {"timestamp": last.timestamp, "step": last.step, "model_id": model.model_id, **of}
        client.log_metric(run.info.run_id, name, last.value, **options)


def write_pyfunc(
    folder: Path, loader: str, data: Path, code: Sequence[Path], inputs: Mapping[str, str], columns: Mapping[str, str]
) -> list[Path]:
    """Write a model of MLflow's python_function flavour, from `inputs` to `columns`, each by type; return its files.

    It has its own copy of the code, and requires the versions of the libraries that are installed here.
    """
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    # An input example would be one more picture per run.
    warnings.filterwarnings("ignore", "(?s).*input example was not provided", UserWarning)
    mlflow.pyfunc.save_model(
        str(folder),
        loader_module=loader,
        data_path=str(data),
        code_paths=[str(path) for path in code],
        signature=ModelSignature(
            inputs=Schema([ColSpec(kind, name, required=len(inputs) == 1) for name, kind in inputs.items()]),
            outputs=Schema([ColSpec(kind, name) for name, kind in columns.items()]),
        ),
        pip_requirements=[f"{name}=={version(name)}" for name in MODEL_NEEDS],
    )
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def _link_weights(artifact_uri: str, source: Path, target: str) -> bool:
    """Link weights into a folder of artifacts; False for other files, and where the artifacts are not on this disk."""
    root = local_folder(artifact_uri)
    if root is None or source.suffix != WEIGHTS:
        return False
    (root / target).mkdir(parents=True, exist_ok=True)
    link(source, root / target / source.name)
    return True


def local_folder(artifact_uri: str) -> Path | None:
    """Return the folder of a run's artifacts if it is on this disk."""
    address = urlparse(artifact_uri)
    return Path(url2pathname(address.path)) if address.scheme == "file" else None
