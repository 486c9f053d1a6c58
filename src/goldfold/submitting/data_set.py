"""A bundle as a version of a data set on Kaggle."""

import hashlib
from dataclasses import replace
from pathlib import Path
from zipfile import ZipFile

from goldfold.errors import InputError
from goldfold.files import folder_written_whole, link, remove
from goldfold.kaggle import data_set_status, find_data_set, upload_data_set
from goldfold.submitting.steps import Steps, Version, kept_beside
from goldfold.submitting.waiting import wait_for

CHUNK, SENT = 2**20, "sent"


def bundle_digest(folder: Path) -> str:
    """Return the SHA-256 of a folder's files and their names."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as content:
            while chunk := content.read(CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def as_data_set(steps: Steps, ref: str, digest: str, private: bool) -> Version:
    """Have the bundle as a version of the data set `ref` that is ready to be used; what was done before is not done again.

    Raises InputError where a data set of that name is not goldfold's, and where Kaggle does not take or process the files.
    """
    step = _begun(steps.data_set, ref, digest)
    steps.keep(data_set=step)
    if step.number:
        print(f"data set    {ref}, version {step.number}: uploaded before")
        return step
    if step.status != SENT:
        files = _packed(steps.folder, digest)
        size = sum(path.stat().st_size for path in files.iterdir())
        print(f"data set    {ref}: uploading {size / 1e6:.1f} MB", flush=True)
        upload_data_set(ref, files, f"bundle {digest[:12]}", private, is_new=step.before == 0)
        step = replace(step, status=SENT)
        steps.keep(data_set=step)
    step = replace(step, number=wait_for("data set", lambda: _processed(steps, step)))
    steps.keep(data_set=step)
    remove(_packing(steps.folder))
    print(f"data set    {ref}, version {step.number}: ready")
    return step


def _begun(step: Version | None, ref: str, digest: str) -> Version:
    """Return the version that was begun of this bundle, as sent where Kaggle has it, or begin a new one, as after a deletion.

    Raises InputError where the data set is not goldfold's.
    """
    if step and (step.ref, step.of) == (ref, digest) and not (step.number and data_set_status(ref) is None):
        # The making of a version may have been cut off before Kaggle's answer came.
        return replace(step, status=SENT) if not step.number and _was_made(step) else step
    found = find_data_set(ref)
    is_ours = found is None or found.is_bundle or (step is not None and step.ref == ref)
    if not is_ours:
        mend = "--name NAME calls this one otherwise: goldfold adds versions to none but its own"
        raise InputError(f"the name is taken: {ref} is a data set of yours that goldfold did not make", mend=mend)
    return Version(ref, digest, found.version if found else 0)


def _was_made(step: Version) -> bool:
    """Whether Kaggle has made, or is making, a version that was begun."""
    status = data_set_status(step.ref)
    if status == "ready":
        found = find_data_set(step.ref)
        return found is not None and found.version > step.before
    return status == "processing"


def _processed(steps: Steps, step: Version) -> tuple[str, int | None]:
    """How the processing of a version goes, and its number once it is ready."""
    status = data_set_status(step.ref)
    if status == "failed":
        steps.keep(data_set=replace(step, of=""))
        raise InputError(f"Kaggle could not process the data set {step.ref}", mend="repeat the command, which uploads it again")
    found = find_data_set(step.ref) if status == "ready" else None
    return f"{step.ref} is being processed", found.version if found and found.version > step.before else None


def _packed(folder: Path, digest: str) -> Path:
    """Lay out the files to upload: each folder of the bundle as a zip, which Kaggle unpacks into a folder of that name.

    They stay until they are uploaded, so that an upload that broke off finds the same bytes.
    """
    target = _packing(folder) / digest[:12]
    if not target.is_dir():
        remove(_packing(folder))
        with folder_written_whole(target) as draft:
            for path in folder.iterdir():
                if path.is_file():
                    link(path, draft / path.name)
                elif inside := sorted(file for file in path.rglob("*") if file.is_file()):
                    with ZipFile(draft / f"{path.name}.zip", "w") as archive:
                        for file in inside:
                            archive.write(file, file.relative_to(path))
    return target


def _packing(folder: Path) -> Path:
    return kept_beside(folder) / "upload"
