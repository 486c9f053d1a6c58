"""Kernels, as Kaggle's client calls notebooks: a new version, how its run goes, and what it wrote."""

import contextlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from goldfold.files import write_json, written_whole
from goldfold.kaggle.session import MissingError, RefusedError, asking_about

PAGE = "https://www.kaggle.com/code/{ref}"
ACCELERATORS: Mapping[str, str | None] = {
    "none": None,
    "t4": "NvidiaTeslaT4",
    "l4": "NvidiaL4",
    "a100": "NvidiaTeslaA100",
    "h100": "NvidiaH100",
    "rtx6000": "NvidiaRtxPro6000",
}
"""Kaggle's names of the machines that a kernel may ask for, without its P100: the torch in Kaggle's image does not run there."""
STATUSES = {"COMPLETE": "complete", "ERROR": "error", "CANCEL_ACKNOWLEDGED": "cancelled", "RUNNING": "running"}
PER_PAGE = 200


@dataclass(frozen=True)
class Kernel:
    """A kernel: the number of its newest version, and that version's source."""

    version: int
    source: str


@dataclass(frozen=True)
class Session:
    """A version's run: `queued`, `running`, `complete`, `error` or `cancelled`, and why it failed where Kaggle says so."""

    status: str
    message: str


@dataclass(frozen=True)
class Hours:
    """The hours of GPU that are left this week, of `total`."""

    left: float
    total: float


def find_kernel(ref: str) -> Kernel | None:
    """Find your kernel `ref` (owner/slug); return None where there is none."""
    try:
        with _asking(ref) as api, api.build_kaggle_client() as kaggle:
            from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

            request = ApiGetKernelRequest()
            request.user_name, request.kernel_slug = ref.split("/")
            found = kaggle.kernels.kernels_api_client.get_kernel(request)
    except MissingError:
        return None
    return Kernel(found.metadata.current_version_number, found.blob.source)


def push_kernel(
    ref: str, notebook: Mapping[str, Any], data_sets: Sequence[str], competition: str, accelerator: str, private: bool
) -> int:
    """Save a new version of a kernel, which Kaggle then runs without the internet; return its number.

    Raises RefusedError where Kaggle refuses it, as when the hours of GPU are spent, or leaves one of its sources out.
    """
    machine = ACCELERATORS[accelerator]
    card = {
        "id": ref,
        "title": ref.split("/")[1],
        "code_file": "notebook.ipynb",
        "language": "python",
        "kernel_type": "notebook",
        "is_private": private,
        "enable_gpu": machine is not None,
        "enable_internet": False,
        "dataset_sources": list(data_sets),
        "competition_sources": [competition],
    }
    with TemporaryDirectory() as folder, _asking(ref) as api, contextlib.redirect_stdout(io.StringIO()):
        write_json(Path(folder) / "kernel-metadata.json", card)
        write_json(Path(folder) / "notebook.ipynb", notebook)
        answer = api.kernels_push(folder, acc=machine)
    if answer.error:
        mend = "repeat the command later, or with another --accelerator; the data set is not uploaded again"
        raise RefusedError(f"Kaggle did not take the notebook {ref}", [answer.error], mend)
    left_out = [*(answer.invalid_dataset_sources or []), *(answer.invalid_competition_sources or [])]
    if left_out:
        mend = "join the competition, and see that the data set is ready; then repeat the command"
        raise RefusedError(f"Kaggle runs the notebook {ref} without some of its sources", left_out, mend)
    return int(answer.version_number)


def kernel_session(ref: str, version: int) -> Session:
    """Return how the run of a version goes."""
    with _asking(ref) as api, api.build_kaggle_client() as kaggle:
        from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

        request = _of_version(ApiGetKernelSessionStatusRequest(), ref, version)
        answer = kaggle.kernels.kernels_api_client.get_kernel_session_status(request)
    return Session(STATUSES.get(answer.status.name, "queued"), answer.failure_message or "")


def fetch_output(ref: str, version: int, paths: Mapping[str, Path]) -> str:
    """Bring files of a version's output to `paths`, by their names, those that it wrote; return its log as text."""
    import requests

    with _asking(ref) as api, api.build_kaggle_client() as kaggle:
        from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

        request = _of_version(ApiListKernelSessionOutputRequest(), ref, version)
        request.page_size = PER_PAGE
        log = ""
        while True:
            page = kaggle.kernels.kernels_api_client.list_kernel_session_output(request)
            log = log or page.log or ""
            for file in page.files or []:
                if file.file_name in paths:
                    answer = requests.get(file.url, timeout=60)
                    answer.raise_for_status()
                    with written_whole(paths[file.file_name]) as draft:
                        draft.write_bytes(answer.content)
            if not page.next_page_token:
                return _text(log)
            request.page_token = page.next_page_token


def gpu_hours() -> Hours | None:
    """Return the hours of GPU that are left to you this week; None where Kaggle does not say."""
    try:
        with asking_about("account of yours", "https://www.kaggle.com/settings") as api:
            quota = api.quota_view().gpu_quota
    except RefusedError:
        return None
    if quota is None or not quota.total_time_allowed:
        return None
    used, total = (span.total_seconds() / 3600 for span in (quota.time_used, quota.total_time_allowed))
    return Hours(max(0.0, total - used), total)


def _of_version(request: Any, ref: str, version: int) -> Any:
    """Fill in a request about one version; without its label Kaggle answers about the newest, whoever saved that."""
    request.user_name, request.kernel_slug = ref.split("/")
    request.version_label = f"v{version}"
    return request


def _text(log: str) -> str:
    """A log as text; Kaggle's is JSON, a list of pieces of the output streams."""
    try:
        return "".join(piece["data"] for piece in json.loads(log))
    except (ValueError, KeyError, TypeError):
        return log


def _asking(ref: str) -> contextlib.AbstractContextManager[Any]:
    return asking_about(f"notebook {ref}", PAGE.format(ref=ref))
