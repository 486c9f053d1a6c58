"""Data sets on Kaggle: a folder as a new one, or as a new version of the one that is there; and the files of anyone's."""

import contextlib
import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldfold.errors import InputError
from goldfold.kaggle.archives import require_whole
from goldfold.kaggle.session import MissingError, asking_about

PAGE = "https://www.kaggle.com/datasets/{ref}"
SUBTITLE = "A run of goldfold as one folder that predicts offline"
"""Tells a data set of goldfold's from others of yours; Kaggle wants 20 to 80 characters."""
LICENCE = "other"
"""In place of Kaggle's default, CC0, which would give the weights away."""
STATUSES = {"READY": "ready", "FAILED": "failed", "DELETED": "failed"}


REF = re.compile(r"(?:https?://(?:www\.)?kaggle\.com/datasets/)?([\w-]+/[\w-]+)/?")


def data_set_of(source: str) -> str:
    """Return a data set as owner/slug, from that or its address; raises InputError for what is neither."""
    match = REF.fullmatch(source)
    if match is None:
        raise InputError(f"{source} is no data set on Kaggle", mend="give OWNER/DATA_SET, the last two parts of its address")
    return match[1]


@dataclass(frozen=True)
class DataSet:
    """A data set: the number of its newest version, and whether goldfold made it."""

    version: int
    is_bundle: bool


def find_data_set(ref: str) -> DataSet | None:
    """Find the data set `ref` (owner/slug); return None where there is none, or it is not yours to see."""
    try:
        with _asking(ref) as api, api.build_kaggle_client() as kaggle:
            from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

            request = ApiGetDatasetRequest()
            request.owner_slug, request.dataset_slug = ref.split("/")
            found = kaggle.datasets.dataset_api_client.get_dataset(request)
    except MissingError:
        return None
    return DataSet(found.current_version_number, found.subtitle == SUBTITLE)


def data_set_status(ref: str) -> str | None:
    """Return whether the newest version is `ready`, `failed` or still `processing`; None where there is no such data set."""
    try:
        with _asking(ref) as api:
            status = api.dataset_status(ref)
    except MissingError:
        return None
    return STATUSES.get(status.upper(), "processing")


def upload_data_set(ref: str, folder: Path, notes: str, private: bool, is_new: bool) -> None:
    """Upload the files of `folder`, which has no folders in it, as a new data set or as a new version; Kaggle then processes it.

    Where an upload breaks off, the next one of the same files goes on there. Raises InputError where a file was not taken: the
    client would make the data set without it.
    """
    owner, slug = ref.split("/")
    with _asking(ref) as api:
        from kaggle.api.kaggle_api_extended import ResumableUploadContext
        from kagglesdk.blobs.types.blob_api_service import ApiBlobType

        request = _creation(owner, slug, private) if is_new else _version(owner, slug, notes)
        content = request if is_new else request.body
        # The context forgets how far it came unless an error is raised within.
        with ResumableUploadContext() as uploads:
            with contextlib.redirect_stdout(io.StringIO()) as said:
                quiet = not sys.stdout.isatty()
                api.upload_files(content, None, str(folder.resolve()), ApiBlobType.DATASET, uploads, quiet=quiet)
            skipped = (api.DATASET_METADATA_FILE, api.OLD_DATASET_METADATA_FILE, api.KERNEL_METADATA_FILE)
            missing = sum(path.name not in skipped for path in folder.iterdir()) - len(content.files)
            if missing:
                what = f"{missing} of the files in {folder} could not be uploaded to Kaggle"
                raise InputError(what, said.getvalue().split("\n")[-4:-1], "repeat the command, which goes on where it broke off")
            with api.build_kaggle_client() as kaggle:
                client = kaggle.datasets.dataset_api_client
                answer = client.create_dataset(request) if is_new else client.create_dataset_version(request)
    if answer.error or answer.status.lower() == "error":
        raise InputError(f"Kaggle did not take the data set {ref}", [answer.error], "name it otherwise: --name")


def download_data_set(ref: str, version: int, folder: Path) -> Path:
    """Download a version of a data set into `folder` as one zip, and return its path; a killed download continues.

    Raises UnreachableError for a zip that is not whole.
    """
    with _asking(ref) as api, contextlib.redirect_stdout(io.StringIO()):
        api.dataset_download_files(f"{ref}/{version}", path=str(folder), quiet=not sys.stderr.isatty())
    return require_whole(folder / f"{ref.split('/')[1]}.zip")


def _creation(owner: str, slug: str, private: bool) -> Any:
    from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetRequest

    request = ApiCreateDatasetRequest()
    request.owner_slug, request.slug, request.title = owner, slug, slug
    request.subtitle, request.license_name, request.is_private = SUBTITLE, LICENCE, private
    request.files = []
    return request


def _version(owner: str, slug: str, notes: str) -> Any:
    from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetVersionRequest, ApiCreateDatasetVersionRequestBody

    request = ApiCreateDatasetVersionRequest()
    request.owner_slug, request.dataset_slug = owner, slug
    request.body = ApiCreateDatasetVersionRequestBody()
    request.body.version_notes, request.body.subtitle, request.body.files = notes, SUBTITLE, []
    return request


def _asking(ref: str) -> contextlib.AbstractContextManager[Any]:
    return asking_about(f"data set {ref}", PAGE.format(ref=ref))
