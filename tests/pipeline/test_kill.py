"""Runs that are killed, interrupted or out of time end with the bits of one that was not."""

import json
import os
import re
import signal
import textwrap

import numpy as np
import pandas as pd
import pytest

FOLDS, EPOCHS, STEPS = 2, 3, 9
CURVES = ["epoch", "train_loss", "valid_loss", "accuracy", "lr"]

# Loaded by each Python that starts with it on its path: kills the whole run at the n-th time that a file of a given
# name is about to be put in place, when it is half written, or right after.
KILLER = textwrap.dedent("""
    import os, signal

    name, count, moment = os.environ.get("KILL", "::").split(":")
    seen, replace = 0, os.replace

    def counted(source, target, **options):
        global seen
        hit = str(target).endswith(name)
        seen += hit
        if hit and seen == int(count) and moment == "inside":
            half = os.path.join(source, sorted(os.listdir(source))[0]) if os.path.isdir(source) else source
            os.truncate(half, os.path.getsize(half) // 2)
            os.killpg(0, signal.SIGKILL)
        replace(source, target, **options)
        if hit and seen == int(count):
            os.killpg(0, signal.SIGKILL)

    if name:
        os.replace = counted
""")


def configure(set_params, clone):
    """Two folds with a state after each step."""
    augment = [{"name": "Affine", "rotate": [-12, 12], "p": 0.9}]
    set_params(clone, split__folds=list(range(FOLDS)), augment=augment)
    average = {"name": "ema", "decay": 0.9}
    set_params(clone, train__epochs=EPOCHS, train__batch_size=128, train__save_minutes=1e-9, train__average=average)


@pytest.fixture(scope="module")
def whole(finished, set_params, tmp_path_factory):
    """A run that nothing disturbed."""
    clone = finished.copy_to(tmp_path_factory.mktemp("whole") / "goldfold")
    configure(set_params, clone)
    clone.run("dvc", "repro")
    return clone


@pytest.fixture
def other(finished, set_params, tmp_path):
    clone = finished.copy_to(tmp_path / "goldfold")
    configure(set_params, clone)
    (tmp_path / "killer").mkdir()
    (tmp_path / "killer/sitecustomize.py").write_text(KILLER)
    return clone


def require_same(clone, whole, folds=range(FOLDS)):
    for fold in folds:
        ours, theirs = (each.folder / f"experiments/current/folds/{fold}/0" for each in (clone, whole))
        assert (ours / "model.safetensors").read_bytes() == (theirs / "model.safetensors").read_bytes()
        pd.testing.assert_frame_equal(*(pd.read_csv(path / "history.csv")[CURVES] for path in (ours, theirs)), check_exact=True)
    if len(folds) == FOLDS:
        submission = "experiments/current/submission/submission.csv"
        assert (clone.folder / submission).read_text() == (whole.folder / submission).read_text()
    assert not list((clone.folder / ".goldfold/states").rglob("state.pt"))
    assert "RUNNING" not in {run.info.status for run in clone.runs()}


def moments():
    """Where to kill: in a state's write at a random step, in a checkpoint's, and in the final result's.

    The first comes before the first epoch's end, which the second needs. `make faults` kills at many more.
    """
    step = int(np.random.default_rng().integers(2, STEPS // 2 + 1))
    return [f"state.pt:{step}:inside", "/best-0:1:inside", "folds/0/0/model.safetensors:1:inside", "/result:1:after"]


def test_after_any_kill_the_same_command_goes_on_to_the_same_bits(other, whole, tmp_path):
    killed, first_fold_done = [], False
    for moment in moments():
        killer = {"KILL": moment, "PYTHONPATH": str(tmp_path / "killer")}
        process = other.start("dvc", "repro", OMP_NUM_THREADS="2", **killer)
        said = process.stdout.read()
        if process.wait() != -signal.SIGKILL:
            # Both folds, trained at once, were done before that moment.
            assert process.returncode == 0, said
            break
        killed.append(moment)
        if first_fold_done:
            assert "fold 0 epoch" not in said, said
        first_fold_done = first_fold_done or "fold 0: best" in said
    assert len(killed) >= 3
    parents = len(other.parents())
    other.run("dvc", "repro")
    require_same(other, whole)
    assert len(other.parents()) == parents
    print(f"{len(killed)} kills: {', '.join(killed)}")


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(other, whole, set_params):
    set_params(other, split__folds=[0])
    process = other.start("dvc", "repro")
    for line in process.stdout:
        if "epoch  1/3" in line:
            break
    os.killpg(process.pid, signal.SIGINT)
    said = process.stdout.read()
    assert process.wait() != 0
    assert "goldfold: stopped. fold 0 is saved; the same command resumes it" in said
    assert "Traceback" not in said
    card = json.loads((other.folder / "experiments/current/folds/0/0/model.json").read_text())
    assert card["ended"] == "interrupted"
    assert {run.info.status for run in other.runs()[-2:]} == {"KILLED"}
    assert "resuming at epoch 2" in other.run("dvc", "repro", "train")
    require_same(other, whole, [0])


def test_max_hours_ends_with_a_submission_and_resume_finishes_it(other, whole, set_params):
    set_params(other, train__max_hours=0.001, split__folds=[0])
    said = other.run("dvc", "repro")
    assert "its share of train.max_hours is over" in said and "passed the contract" in said
    parent = other.parents()[-1]
    assert parent.data.tags["goldfold.cut_by_max_hours"] == "0-0"
    assert {child.data.tags["goldfold.ended"] for child in other.children(parent)} == {"max_hours"}
    assert "train.max_hours" in other.run("goldfold", "summary")
    set_params(other, train__max_hours=1)
    said = other.run("goldfold", "resume")
    assert "continuing fold 0" in said
    require_same(other, whole, [0])
    # Without effect on what is trained: the finished folds are taken over.
    set_params(other, train__max_hours=None, train__workers=1)
    said = other.run("dvc", "repro", "train")
    assert "already trained with these settings" in said and not re.search(r"epoch +\d+/", said)
    require_same(other, whole, [0])
