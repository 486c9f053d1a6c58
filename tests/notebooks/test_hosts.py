"""The notebooks of Kaggle and Colab, run from their first cell to their last with the network off; `make notebooks-test`."""

import shutil
import subprocess
import tarfile

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient and ipykernel are not installed")

from tests.notebooks.host import PYTHONS, SOURCE, can_be_sealed, on_colab, on_kaggle  # noqa: E402
from tests.pipeline.conftest import copy_of_the_working_tree  # noqa: E402

pytestmark = pytest.mark.skipif(not PYTHONS, reason="make notebooks-test runs them, in environments of their own")
RUN = "for step in ("
"""How the cell begins that runs the pipeline."""


def with_settings(**settings):
    """The run's cell with settings of training before it, few epochs among them."""
    values = {"epochs": 6, **settings}.items()
    return {RUN: "".join([*(f"!sed -i 's/^  {name}: .*/  {name}: {value}/' params.yaml\n" for name, value in values), RUN])}


@pytest.fixture(
    scope="module",
    params=[pytest.param(python, id=python.split("/")[-3], marks=pytest.mark.xdist_group(python)) for python in PYTHONS],
)
def python(request, tmp_path_factory):
    if not can_be_sealed(tmp_path_factory.mktemp("sealed")):
        pytest.skip("this machine lets nobody turn the network off (unshare --net --mount)")
    return request.param


@pytest.fixture(scope="module")
def bundled(tmp_path_factory):
    """A folder with a clone of this repository as a git bundle."""
    folder = tmp_path_factory.mktemp("bundled") / "mine"
    folder.mkdir()
    clone = copy_of_the_working_tree(tmp_path_factory.mktemp("clone") / "goldfold")
    clone.run("git", "bundle", "create", str(folder / "goldfold.bundle"), "--all")
    return folder


def submission(session):
    return (session.kept / "submission.csv").read_text()


@pytest.fixture(scope="module")
def kaggle(python, bundled, shared_data, tmp_path_factory):
    """Start a session on Kaggle with titanic, a bundle and more attached."""

    def start(name, **more):
        attached = {"titanic": shared_data / "titanic", "my bundle": bundled, **more}
        session = on_kaggle(python, tmp_path_factory.mktemp(name), attached)
        return session, {SOURCE: str(session.attached / "my bundle/goldfold.bundle"), **with_settings()}

    return start


@pytest.fixture(scope="module")
def undisturbed(kaggle):
    """What a session on Kaggle printed, and its submission."""
    session, mine = kaggle("undisturbed")
    return session.run("on_kaggle", mine), submission(session)


def test_a_run_on_kaggle_ends_with_a_submission(undisturbed):
    said, answer = undisturbed
    assert "passed the contract of the sample submission" in said
    assert answer.startswith("PassengerId,Survived\n") and answer.count("\n") == 419
    # Lines alone: the log of a run that is saved keeps each frame of what is drawn.
    assert "fold 0 epoch  1/" in said and "\x1b[" not in said and "Collecting files" not in said


def test_what_was_cut_goes_on_in_the_next_session(kaggle, undisturbed):
    session, mine = kaggle("cut")
    assert "CUT SHORT" in session.run("on_kaggle", {**mine, **with_settings(max_hours=0.0002)}) and submission(session)
    following, mine = kaggle("following", **{"notebooks/me/on-kaggle": session.kept})
    said = following.run("on_kaggle", {**mine, **with_settings(max_hours=8.5)})
    assert "continuing fold" in said and "CUT SHORT" not in said
    assert submission(following) == undisturbed[1]


def test_a_session_that_was_killed_goes_on_from_what_it_had_saved(kaggle, undisturbed):
    session, mine = kaggle("killed")
    dying = {"    if failed:": "    os.kill(os.getpid(), 9)\n    if failed:"}
    with pytest.raises(nbclient.exceptions.DeadKernelError):
        session.run("on_kaggle", {**mine, **dying})
    with tarfile.open(session.kept / "goldfold.saved") as saved:
        assert b"max_hours: 8.5 # Kaggle ends a notebook" in saved.extractfile("goldfold/params.yaml").read()
    assert not (session.kept / "submission.csv").exists()
    following, mine = kaggle("revived", run=session.kept)
    assert "Stage 'train' didn't change" in following.run("on_kaggle", mine)
    assert submission(following) == undisturbed[1]


def test_what_is_wrong_ends_it_at_once(kaggle, shared_data, tmp_path):
    session, mine = kaggle("wrong")
    with pytest.raises(
        nbclient.exceptions.CellExecutionError, match=r"titanik is not attached: .* holds \['my bundle', 'titanic'\]"
    ):
        session.run("on_kaggle", {'"titanic"': '"titanik"'})
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="could not be cloned: is the internet on"):
        session.run("on_kaggle", {})
    with pytest.raises(nbclient.exceptions.CellExecutionError, match=r"(?s)Nobody.*what you know goes into SETTINGS"):
        session.run("on_kaggle", {**mine, 'SETTINGS = ""': 'SETTINGS = "target=Nobody"'})
    assert not list(session.kept.glob("*"))


def test_a_run_that_fails_is_saved_and_fails_the_notebook(kaggle):
    session, mine = kaggle("failing")
    with pytest.raises(nbclient.exceptions.CellExecutionError, match="the next session goes on there"):
        session.run("on_kaggle", {**mine, **with_settings(epochs="none")})
    with tarfile.open(session.kept / "goldfold.saved") as saved:
        assert "goldfold/params.yaml" in saved.getnames()
    assert not (session.kept / "submission.csv").exists()


def test_archives_are_unpacked_beside_links(kaggle, undisturbed, shared_data, tmp_path):
    packed = tmp_path / "titanic"
    packed.mkdir()
    shutil.make_archive(str(packed / "everything"), "zip", shared_data / "titanic")
    session, mine = kaggle("packed", titanic=packed)
    assert "unpacked everything.zip" in session.run("on_kaggle", mine)
    assert submission(session) == undisturbed[1]


def test_a_run_on_colab_goes_on_in_the_next_session(python, bundled, undisturbed, shared_data, tmp_path):
    drive = tmp_path / "Drive"
    drive.mkdir()
    shutil.make_archive(str(drive / "titanic"), "zip", shared_data / "titanic")
    cut = {SOURCE: str(bundled / "goldfold.bundle"), **with_settings(max_hours=0.0002)}
    assert "CUT SHORT" in on_colab(python, tmp_path / "first", drive).run("on_colab", cut)
    (drive / "submission.csv").unlink()
    assert "continuing fold" in on_colab(python, tmp_path / "second", drive).run("on_colab", cut | with_settings(max_hours=11.5))
    assert (drive / "submission.csv").read_text() == undisturbed[1]


def test_nothing_is_installed_over_what_is_new_enough(python):
    asked = [python, "-m", "pip", "install", "--dry-run", "--no-index", "-r", "requirements-notebook.txt"]
    assert "Would install" not in subprocess.run(asked, capture_output=True, text=True, check=True).stdout
