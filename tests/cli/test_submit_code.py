"""A bundle to Kaggle and its score back, by the command line; the stand-in runs the notebook. Needs requirements-kaggle.txt."""

import json
import re
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.kaggle.stand_in import Contest
from tests.kaggle.stand_in_code import DataSet, Run

from goldfold.bundle.names import data_set_name
from goldfold.cli.main import run_command
from goldfold.errors import InputError
from goldfold.submitting.data_set import bundle_digest
from goldfold.submitting.steps import Steps, steps_of
from goldfold.tracking.submissions import sendings

pytestmark = pytest.mark.slow

OWN = Path("experiments/current/submission/submission.csv")
REF = f"ann/{data_set_name('mine')}"
BUNDLE, KEPT = Path("experiments/bundles/mine"), Path("experiments/bundles/mine.kaggle")
COPY = """
import os, pathlib, shutil
assert pathlib.Path(os.environ["GOLDFOLD_DATA"], "test.csv").is_file()
shutil.copy(pathlib.Path(os.environ["GOLDFOLD_BUNDLE"], "models/answers.csv"), "submission.csv")
pathlib.Path("another.txt").touch()
print("answered")
"""


def write_bundle(code=COPY, answers=None, folder=BUNDLE):
    """A bundle as `goldfold bundle` lays it out: its notebook, its name, and a folder."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": None, "outputs": [], "source": code}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "models/0").mkdir(parents=True, exist_ok=True)
    (folder / "bundle.json").write_text(json.dumps({"name": "mine"}))
    (folder / "predict.ipynb").write_text(json.dumps(notebook))
    (folder / "models/answers.csv").write_text(OWN.read_text() if answers is None else answers)
    (folder / "models/0/weights").write_bytes(bytes(range(256)) * 400)


@pytest.fixture
def service(desk, signed_in, monkeypatch, tmp_path):
    """The stand-in with a code competition; each pause of the command scores what was sent."""
    write_bundle()
    # What Kaggle's client wants of who uploads a folder by hand, and leaves out.
    (BUNDLE / "dataset-metadata.json").write_text("{}")
    signed_in.contests["titanic"].notebooks_only = True
    # Here the client remembers how far uploads came.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    # urllib3 pauses between tries as well.
    monkeypatch.setattr(time, "sleep", lambda _: [entry.update(SCORED) for entry in signed_in.submissions])
    return signed_in


SCORED = {"status": "COMPLETE", "publicScore": "0.77511"}


def submit(*options):
    run_command(["submit", "mine", "--code", *options])


def asked(kaggle, *names):
    """How often the stand-in was asked for these methods, one after the other."""
    methods = [method.partition("/")[2] for method, _ in kaggle.asked]
    return tuple(methods.count(name) for name in names)


MAKING = ("CreateDataset", "CreateDatasetVersion", "SaveKernel", "CreateCodeSubmission")


def test_a_bundle_becomes_a_data_set_a_kernel_a_submission_and_a_score(service, tracked, capsys):
    service.workshop.processing = ["NOT_YET_PERSISTED", "BLOBS_RECEIVED"]
    service.workshop.course = ["QUEUED", "RUNNING", "RUNNING"]
    submit()
    data_set, (kernel,) = service.workshop.data_sets[REF], service.workshop.kernels[REF]
    files = {str(path.relative_to(BUNDLE)): path.read_bytes() for path in BUNDLE.rglob("*") if path.is_file()}
    del files["dataset-metadata.json"]
    assert data_set.versions == [files] and data_set.made_with["isPrivate"] and data_set.made_with["licenseName"] == "other"
    pushed = {name: kernel.pushed.get(name) for name in ("isPrivate", "enableInternet", "machineShape", "competitionDataSources")}
    assert pushed == {
        "isPrivate": True,
        "enableInternet": False,
        "machineShape": "NvidiaTeslaT4",
        "competitionDataSources": ["titanic"],
    }
    (request,) = [request for method, request in service.asked if method.endswith("CreateCodeSubmission")]
    assert (request["kernelOwner"], request["kernelSlug"], request["kernelVersion"]) == ("ann", REF[4:], 1)
    run = tracked()
    (sending,) = sendings(run.tags)
    assert (sending.ref, sending.limit, sending.status, sending.public) == (100, 5, "complete", 0.77511)
    assert sending.sha256 == bundle_digest(BUNDLE) and sending.message.startswith("mine: CV accuracy 0.")
    assert run.metrics["accuracy_public"] == 0.77511
    said = capsys.readouterr().out
    # The quota comes before anything is made, and each state once.
    in_order = [
        "left        5 of 5",
        "GPU         25.0 of 30 hours",
        "uploading",
        "is being processed",
        "version 1: ready",
        "pushed, on t4",
    ]
    in_order += ["version 1: queued", "version 1: running", "complete", "passed the contract", "the same rows as in", "sent"]
    assert re.search(".*".join(map(re.escape, [*in_order, "public      accuracy 0.77511  (CV 0."])), said, re.DOTALL)
    assert said.count("running") == 1
    assert (KEPT / "v1/kernel.log").read_text().startswith("answered\n") and not (KEPT / "upload").exists()


@pytest.mark.parametrize("by_kind", [True, False])
def test_the_notebook_finds_its_sources_wherever_kaggle_mounts_them(service, by_kind):
    service.workshop.mounts_by_kind = by_kind
    submit("--name", "Ünïcode & Cø: my 3rd try", "--accelerator", "none", "--no-private")
    ((ref, (kernel,)),) = service.workshop.kernels.items()
    assert re.fullmatch(r"ann/unicode-c-my-3rd-try-[0-9a-f]{6}", ref)
    assert not kernel.pushed.get("isPrivate") and not kernel.pushed.get("machineShape") and not kernel.pushed.get("enableGpu")
    assert asked(service, "GetAcceleratorQuotaStatistics") == (0,)


def test_the_same_bundle_is_submitted_again_only_if_asked_to_and_made_only_once(service, capsys):
    submit()
    with pytest.raises(InputError, match=r"the same bundle was sent at .* for mine, submission 100"):
        submit()
    submit("--yes")
    assert asked(service, *MAKING) == (1, 0, 1, 2)
    write_bundle(code="print('better')\n" + COPY)
    submit()
    assert asked(service, *MAKING) == (1, 1, 2, 3)
    assert f"{REF}, version 2: ready" in capsys.readouterr().out


def test_a_spent_quota_is_told_before_anything_is_made(service):
    service.contests["titanic"].quota = 1
    submit()
    service.submissions[0]["date"] = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"
    write_bundle(code="print('better')\n" + COPY)
    with pytest.raises(InputError, match=r"(?s)1 of 1 submissions were sent today.*midnight UTC"):
        submit()
    assert asked(service, *MAKING) == (1, 0, 1, 1)


def test_a_quota_that_is_spent_meanwhile_costs_no_second_run(service, monkeypatch):
    def others_submit(_):
        if not service.submissions:
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.0000000Z"
            service.submissions.append({"ref": 99, "date": now, "status": "COMPLETE", "description": "theirs"})

    service.contests["titanic"].quota, service.workshop.course = 1, ["RUNNING"]
    monkeypatch.setattr(time, "sleep", others_submit)
    with pytest.raises(InputError, match="1 of 1 submissions were sent today"):
        submit()
    service.contests["titanic"].quota = 2
    submit()
    assert asked(service, *MAKING) == (1, 0, 1, 1)


def test_what_the_local_contract_refuses_costs_no_submission(service):
    lines = OWN.read_text().splitlines(keepends=True)
    write_bundle(answers="".join(lines[:-1]))
    with pytest.raises(InputError, match=r"(?s)v1/submission.csv, the kernel's, would be refused: no submission was.*is missing"):
        submit()
    assert asked(service, *MAKING) == (1, 0, 1, 0)
    write_bundle()
    OWN.write_text("".join(lines[:-1]))
    service.asked.clear()
    with pytest.raises(InputError, match="is missing"):
        run_command(["submit", "--code"])
    assert not service.asked


def test_a_kernel_that_errs_brings_its_log_and_the_same_command_runs_it_again(service, capsys):
    write_bundle(code="print('fine so far')\nraise MemoryError('out of memory')")
    with pytest.raises(InputError, match=r"(?s)version 1, ended with error: Notebook T.*MemoryError: out of m.*v1/kernel.log"):
        submit()
    log = (KEPT / "v1/kernel.log").read_text()
    assert "fine so far" in log and "MemoryError" in log and asked(service, *MAKING) == (1, 0, 1, 0)
    with pytest.raises(InputError, match="version 2, ended with error"):
        submit()
    write_bundle()
    submit()
    assert asked(service, *MAKING) == (1, 1, 3, 1)
    assert "no submission was spent" not in capsys.readouterr().out


def test_a_kernel_that_is_stopped_or_writes_nothing_is_told(service):
    service.workshop.course = ["CANCEL_REQUESTED", "CANCEL_ACKNOWLEDGED"]
    with pytest.raises(InputError, match="version 1, ended with cancelled"):
        submit()
    service.workshop.course = []
    write_bundle(code="print('nothing')")
    with pytest.raises(InputError, match=r"(?s)version 2, wrote no submission.csv.*nothing"):
        submit()


def test_a_version_that_someone_saves_meanwhile_is_not_taken_for_ours(service, monkeypatch):
    def saved(_):
        runs = service.workshop.kernels[REF]
        if len(runs) == 1:
            runs.append(Run(runs[0].pushed, ["ERROR"], log="theirs"))

    service.workshop.course = ["RUNNING"]
    monkeypatch.setattr(time, "sleep", saved)
    submit("--wait", "0")
    (request,) = [request for method, request in service.asked if method.endswith("CreateCodeSubmission")]
    assert request["kernelVersion"] == 1


def test_hours_of_gpu_that_are_spent_are_told_by_kaggle_and_nothing_is_uploaded_again(service):
    service.workshop.push_error = "Maximum weekly GPU quota of 30.00 hours reached."
    with pytest.raises(InputError, match=r"(?s)did not take the notebook ann/mine-.*GPU quota.*--accelerator"):
        submit()
    service.workshop.push_error = ""
    submit("--accelerator", "none")
    assert asked(service, *MAKING) == (1, 0, 2, 1)


def test_a_source_that_kaggle_leaves_out_is_told_and_the_notebook_is_pushed_again(service):
    service.workshop.unusable = {REF}
    with pytest.raises(InputError, match=f"(?s)runs the notebook {REF} without some of its sources.*  {REF}.*join the compet"):
        submit()
    service.workshop.unusable = set()
    submit("--wait", "0")
    assert asked(service, *MAKING) == (1, 0, 2, 1)


def test_names_that_are_taken_are_told_and_nothing_is_overwritten(service):
    theirs = service.workshop.data_sets[REF] = DataSet({"subtitle": "my photographs"}, [{"a.csv": b"1"}])
    with pytest.raises(InputError, match=rf"(?s)name is taken: {REF} is a data set of yours that goldfold did not.*--name"):
        submit()
    assert len(theirs.versions) == 1
    service.workshop.taken_titles = {"my-second"}
    with pytest.raises(InputError, match=r'(?s)did not take the data set ann/my-second.*"my-second" is already in use.*--name'):
        submit("--name", "my-second")
    service.workshop.kernels["ann/by-hand"] = [Run({"text": "print(1)"}, ["COMPLETE"])]
    with pytest.raises(InputError, match="name is taken: ann/by-hand is a notebook of yours"):
        submit("--name", "by hand")
    submit("--name", "my third")
    assert list(service.workshop.kernels) == ["ann/by-hand", "ann/my-third"]


def test_what_was_deleted_on_kaggle_is_made_anew_or_told(service):
    submit("--wait", "0")
    del service.workshop.data_sets[REF]
    service.submissions[0].update(SCORED)
    submit()
    submit("--yes")
    assert asked(service, *MAKING) == (2, 0, 1, 2)
    del service.workshop.kernels[REF]
    with pytest.raises(InputError, match=f"(?s)does not find that version of {REF}.*another --name makes it anew"):
        submit("--yes")


def test_a_data_set_that_cannot_be_processed_is_uploaded_again(service):
    service.workshop.processing = ["BLOBS_RECEIVED", "FAILED"]
    with pytest.raises(InputError, match=f"could not process the data set {REF}"):
        submit()
    submit()
    assert asked(service, *MAKING) == (1, 1, 1, 1)


def test_an_upload_that_breaks_off_goes_on_where_it_was(service):
    service.workshop.broken_uploads = 2
    submit("--wait", "0")
    assert len(service.workshop.data_sets[REF].versions[0]) == 4
    write_bundle(code="print('better')\n" + COPY)
    service.workshop.broken_uploads = 10**6
    with pytest.raises(InputError, match=r"of the files in .* could not be uploaded to Kaggle(?s:.*)goes on where it broke off"):
        submit("--wait", "0")
    assert asked(service, *MAKING) == (1, 0, 1, 1)
    (packed,), begun = KEPT.glob("upload/*/models.zip"), len(service.workshop.uploads)
    written = packed.stat().st_mtime_ns
    with pytest.raises(InputError, match="could not be uploaded"):
        submit("--wait", "0")
    assert packed.stat().st_mtime_ns == written
    service.workshop.broken_uploads = 0
    submit("--wait", "0")
    assert len(service.workshop.uploads) == begun and asked(service, *MAKING) == (1, 1, 2, 2)


@pytest.mark.parametrize("method", ["CreateDataset", "SaveKernel", "CreateCodeSubmission"])
def test_what_kaggle_did_before_a_cut_is_not_done_twice(service, tracked, method):
    service.loses_answers_to = {method}
    with pytest.raises(InputError, match="Kaggle does not answer"):
        submit()
    submit()
    assert asked(service, *MAKING) == (1, 0, 1, 1) and len(service.submissions) == 1
    assert sendings(tracked().tags)[0].public == 0.77511


@pytest.mark.parametrize("step", range(1, 9))
def test_a_kill_after_any_step_was_kept_leads_to_the_same(service, monkeypatch, step, tracked):
    keep, times = Steps.keep, []

    def killed(steps, **changes):
        keep(steps, **changes)
        times.append(changes)
        if len(times) == step:
            raise SystemExit(137)

    monkeypatch.setattr(Steps, "keep", killed)
    with pytest.raises(SystemExit):
        submit()
    submit()
    assert asked(service, *MAKING) == (1, 0, 1, 1)
    assert sendings(tracked().tags)[0].public == 0.77511


def test_a_service_that_fails_now_and_then_is_asked_again(service):
    service.workshop.course, service.fails = ["RUNNING"], {"GetKernelSessionStatus": 5, "GetDatasetStatus": 3}
    submit()
    assert asked(service, *MAKING) == (1, 0, 1, 1)
    write_bundle(code="print('better')\n" + COPY)
    service.fails = {"GetKernelSessionStatus": 100}
    with pytest.raises(InputError, match=r"internal error \(500\)"):
        submit()
    service.fails = {}
    submit()
    assert asked(service, *MAKING) == (1, 1, 2, 2)


def test_ctrl_c_leaves_the_kernel_running_and_the_same_command_goes_on(service, monkeypatch, tracked):
    def interrupted(_):
        raise KeyboardInterrupt

    service.workshop.course = ["RUNNING"]
    pause = time.sleep
    monkeypatch.setattr(time, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on from here"):
        submit()
    service.workshop.course = []
    with pytest.raises(KeyboardInterrupt, match="Submission 100 is sent and logged"):
        submit()
    assert sendings(tracked().tags)[0].status == "pending"
    monkeypatch.setattr(time, "sleep", pause)
    submit()
    assert asked(service, *MAKING) == (1, 0, 1, 1) and sendings(tracked().tags)[0].public == 0.77511


def test_two_commands_do_not_work_on_the_same_bundle(service):
    with steps_of(BUNDLE), pytest.raises(InputError, match="another process is submitting experiments/bundles/mine"):
        submit()
    submit("--wait", "0")


def test_a_bundle_that_is_not_there_or_of_another_run_is_told(service, capsys):
    shutil.move(BUNDLE, "elsewhere")
    with pytest.raises(InputError, match=r"(?s)no bundle of mine in experiments/bundles/mine.*goldfold bundle mine.*--bundle"):
        submit()
    submit("--bundle", "elsewhere", "--wait", "0")
    assert list(service.workshop.data_sets) == ["ann/elsewhere"]
    Path("elsewhere/bundle.json").write_text('{"name": "another"}')
    with pytest.raises(InputError, match="elsewhere is the bundle of another, not of mine"):
        submit("--bundle", "elsewhere")
    Path("elsewhere/bundle.json").write_text("[]")
    with pytest.raises(InputError, match=r"bundle\.json is damaged"):
        submit("--bundle", "elsewhere")


@pytest.mark.parametrize("option", [["--bundle", "x"], ["--name", "x"], ["--accelerator", "t4"], ["--no-private"]])
def test_what_is_for_code_alone_is_not_ignored_with_a_file(desk, option):
    with pytest.raises(InputError, match="go with --code"):
        run_command(["submit", *option])


def test_a_run_s_own_bundle_goes_all_the_way(tiny_repository, tmp_path, signed_in, monkeypatch, capsys):
    """The competition is called otherwise on Kaggle than its folder here."""
    monkeypatch.chdir(shutil.copytree(tiny_repository, tmp_path / "desk"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "DVC_ROOT"):
        monkeypatch.delenv(name, raising=False)
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("path: data/raw/tiny,", "path: data/raw/tiny, kaggle: tiny-2026,"))
    files = {path.name: path.read_bytes() for path in Path("data/raw/tiny").iterdir()}
    signed_in.contests["tiny-2026"] = Contest(files, notebooks_only=True)
    run_command(["bundle"])
    run_command(["submit", "--code", "--accelerator", "none", "--wait", "0"])
    said = capsys.readouterr().out
    assert "the same rows as in the run's own submission" in said and len(signed_in.submissions) == 1
