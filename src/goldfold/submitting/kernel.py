"""A bundle's notebook as a version of a kernel on Kaggle, its run and its output."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from goldfold.bundle.packing import NOTEBOOK
from goldfold.errors import InputError
from goldfold.files import read_json, remove, written_whole
from goldfold.kaggle import RefusedError, Session, fetch_output, find_kernel, kernel_session, push_kernel
from goldfold.submitting.steps import Steps, Version, kept_beside
from goldfold.submitting.waiting import wait_for

ANSWER, LOG = "submission.csv", "kernel.log"
ENDED = ("complete", "error", "cancelled")
ANSWERED, FAILED = "answered", "failed"
LINES = 10
"""How many of the last lines of a log are shown."""
MOUNTS = """\
# goldfold: {of}
import os
from pathlib import Path

# Kaggle mounts a source at one place or the other.
for name, places in {places!r}.items():
    os.environ[name] = next((place for place in places if Path(place).is_dir()), places[0])
"""


def run_kernel(steps: Steps, data_set: Version, ref: str, competition: str, accelerator: str, private: bool) -> Version:
    """Have the bundle's notebook run as a version of the kernel `ref`, and its answer brought here, to `answer_of` it.

    What was done before is not done again; a run that failed is. Raises InputError where the run fails, with the end of its log,
    and where it wrote no answer.
    """
    of = f"bundle {data_set.of[:12]}, version {data_set.number} of {data_set.ref}, on {accelerator}"
    step = _begun(steps.kernel, ref, of)
    steps.keep(kernel=step)
    if not step.number:
        notebook = with_mounts(read_json(steps.folder / NOTEBOOK), of, data_set.ref, competition)
        try:
            step = replace(step, number=push_kernel(ref, notebook, [data_set.ref], competition, accelerator, private))
        except RefusedError:
            steps.keep(kernel=replace(step, status=FAILED))
            raise
        steps.keep(kernel=step)
        print(f"kernel      {ref}, version {step.number}: pushed, on {accelerator}, internet off", flush=True)
    if step.status != ANSWERED:
        session, answer = wait_for("kernel", lambda: _ended(step)), answer_of(steps.folder, step)
        remove(answer)
        log = fetch_output(ref, step.number, {ANSWER: answer} if session.status == "complete" else {})
        with written_whole(answer.with_name(LOG)) as draft:
            draft.write_text(log, encoding="utf-8")
        step = replace(step, status=ANSWERED if answer.is_file() else FAILED)
        steps.keep(kernel=step)
        if step.status == FAILED:
            raise _failure(step, session, log, answer.with_name(LOG))
    print(f"kernel      {ref}, version {step.number}: complete")
    return step


def answer_of(bundle: Path, kernel: Version) -> Path:
    """Return where the submission that a version wrote is brought."""
    return kept_beside(bundle) / f"v{kernel.number}" / ANSWER


def with_mounts(notebook: Mapping[str, Any], of: str, data_set: str, competition: str) -> dict[str, Any]:
    """Return a bundle's notebook with a first cell that tells it where Kaggle mounts its bundle and the competition."""
    places = {
        "GOLDFOLD_BUNDLE": [f"/kaggle/input/datasets/{data_set}", f"/kaggle/input/{data_set.split('/')[1]}"],
        "GOLDFOLD_DATA": [f"/kaggle/input/competitions/{competition}", f"/kaggle/input/{competition}"],
    }
    cell: dict[str, Any] = {"cell_type": "code", "id": "mounts", "metadata": {}, "execution_count": None, "outputs": []}
    return {**notebook, "cells": [{**cell, "source": MOUNTS.format(of=of, places=places)}, *notebook["cells"]]}


def _begun(step: Version | None, ref: str, of: str) -> Version:
    """Return the version that was begun of this, with its number where Kaggle has it, or begin a new one.

    Raises InputError where the kernel is not goldfold's.
    """
    if step and (step.ref, step.of) == (ref, of) and step.status != FAILED:
        # A push may have been cut off before Kaggle's answer came.
        newest = None if step.number else find_kernel(ref)
        was_made = newest and newest.version > step.before and of in newest.source
        return replace(step, number=newest.version) if newest and was_made else step
    found = find_kernel(ref)
    if found and "goldfold" not in found.source:
        mend = "--name NAME calls this one otherwise: goldfold adds versions to none but its own"
        raise InputError(f"the name is taken: {ref} is a notebook of yours that goldfold did not make", mend=mend)
    return Version(ref, of, found.version if found else 0)


def _ended(step: Version) -> tuple[str, Session | None]:
    """How the run of a version goes, and how it ended, once it has; Kaggle bounds how long that takes."""
    session = kernel_session(step.ref, step.number)
    words = f"{step.ref}, version {step.number}: {session.status}"
    return words, session if session.status in ENDED else None


def _failure(step: Version, session: Session, log: str, path: Path) -> InputError:
    """The message of a run that failed, with the last lines of its log."""
    why = f"wrote no {ANSWER}" if session.status == "complete" else f"ended with {session.status}"
    what = ": ".join(filter(None, [f"the kernel {step.ref}, version {step.number}, {why}", session.message]))
    # Those of the conversion to HTML come after the error.
    lines = [line.rstrip() for line in log.splitlines() if line.strip() and "NbConvertApp" not in line]
    mend = (
        f"all of its log is in {path}; after goldfold bundle the same command uploads the corrected one, unchanged it runs "
        "the kernel once more; no submission was spent"
    )
    return InputError(what, lines[-LINES:], mend)
