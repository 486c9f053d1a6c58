"""What strangers hand us: nothing in a checkpoint, an image or an archive runs code or takes the machine down."""

import builtins
import functools
import json
import operator
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.testing
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skops.io import dumps

from goldfold.bundle.notebooks import notebook
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import PreparedRows
from goldfold.prepare import PreparedSet
from goldfold.training import FoldResult, train_fold

STATE = "_extra_state"


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A file that code of a stranger would write, and in the folder a module `stranger` whose import writes it."""
    file = tmp_path / "planted"
    (tmp_path / "stranger.py").write_text(f"open({str(file)!r}, 'w')\nclass Net: ...\nclass kind: ...\n")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange/learning.py").write_text(f"open({str(file)!r}, 'w')\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield file
    for name in [name for name in sys.modules if name.startswith("strange")]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def tables(tiny_repository, tmp_path_factory):
    """The models of a run on a table, saved as a checkpoint to be forged, and the prepared set."""
    folder = tmp_path_factory.mktemp("ensemble")
    results = [FoldResult.load(tiny_repository / "experiments/current/folds/0/0")]
    Ensemble(results).save(folder)
    return folder, PreparedSet.load(tiny_repository / "data/prepared")


@pytest.fixture(scope="session")
def images(digits, settings, tmp_path_factory):
    """The same of a run on images, with a hidden layer in its head."""
    config = settings(epochs=1, model={"head": {"hidden": [8]}})
    folder = tmp_path_factory.mktemp("ensemble")
    Ensemble([train_fold(digits, 0, 0, config, tmp_path_factory.mktemp("fold"))]).save(folder)
    return folder, digits


@pytest.fixture
def forge(tmp_path):
    """Copy a checkpoint and change a value of one of its cards, by its keys; then predict by it."""

    def predict_forged(source, card, keys, value):
        folder, prepared = source
        forged = shutil.copytree(folder, tmp_path / "forged")
        path = forged / card
        tree = place = json.loads(path.read_text())
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        path.write_text(json.dumps(tree))
        return Ensemble.load(forged).answers(PreparedRows(prepared, "test"))

    return predict_forged


MODEL = "0/0/model.json"


def shell(planted):
    return {"command": f"touch {planted}"}


@pytest.mark.parametrize(
    "name", ["os:system", "stranger:Net", "subprocess:getoutput", "builtins:exec", "torch.hub:load", "goldfold.imports:called"]
)
@pytest.mark.parametrize("kind", ["tables", "images"])
def test_a_checkpoint_that_names_code_as_its_model_does_not_run_it(request, forge, planted, kind, name):
    model = {"name": name, "args": shell(planted), **({"image_size": 32} if kind == "images" else {})}
    with pytest.raises(InputError, match=r"checkpoint names nothing else|is no class of"):
        forge(request.getfixturevalue(kind), MODEL, ["config", "model"], model)
    assert not planted.exists()


@pytest.mark.parametrize("name", ["stranger:Net", "os:system", "torch.hub:load", "init"])
def test_nor_as_an_activation(images, forge, planted, name):
    with pytest.raises(InputError):
        forge(images, MODEL, ["config", "model", "head", "activation"], name)
    assert not planted.exists()


@pytest.mark.parametrize("metric", ["stranger:Net", "os:system"])
def test_nor_as_its_metric_or_its_kind_of_input(tables, forge, planted, metric):
    with pytest.raises(InputError):
        forge(tables, MODEL, ["codec", "problem", "metric"], metric)
        Ensemble.load(planted.parent / "forged").problem.scored_by  # noqa: B018
    shutil.rmtree(planted.parent / "forged")
    for kind in ("strange", "stranger.kind", "table+strange"):
        with pytest.raises(InputError, match="no kind of input"):
            forge(tables, MODEL, ["codec", "problem", "modality"], kind)
        shutil.rmtree(planted.parent / "forged")
    assert not planted.exists()


@pytest.mark.parametrize("change", ["os:system", "stranger:Net", "load", "from_dict"])
def test_nor_as_a_transform_of_what_is_predicted(images, forge, planted, change):
    with pytest.raises(InputError):
        forge(images, "ensemble.json", ["predict", "tta"], [{"name": change, **shell(planted)}])
    assert not planted.exists()


def _touch(planted):
    return f"open({str(planted)!r}, 'w')"


CALLS = {
    "exec": lambda planted: functools.partial(builtins.exec, _touch(planted), {}),
    "eval": lambda planted: functools.partial(builtins.eval, _touch(planted), {}),
    "os.system": lambda planted: functools.partial(os.system, f"touch {planted}"),
    "subprocess": lambda planted: functools.partial(subprocess.getoutput, f"touch {planted}"),
    "runstring": lambda planted: functools.partial(numpy.testing.runstring, _touch(planted), {}),
    "methodcaller": lambda planted: operator.methodcaller("tofile", str(planted)),
    "savetxt": lambda planted: functools.partial(np.savetxt, str(planted)),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_estimator_that_holds_a_call_is_not_loaded(tables, tmp_path, planted, call):
    folder, prepared = tables
    forged = shutil.copytree(folder, tmp_path / "forged")
    tensors = load_file(forged / "0/0/model.safetensors")
    (name,) = [name for name in tensors if STATE in name]
    matrix, truth = np.zeros((4, 2)), [0, 1, 0, 1]
    honest = LogisticRegression().fit(matrix, truth)
    transformer = FunctionTransformer(CALLS[call](planted))
    content = dumps(make_pipeline(transformer, honest))
    save_file({**tensors, name: torch.frombuffer(bytearray(content), dtype=torch.uint8)}, forged / "0/0/model.safetensors")
    with pytest.raises(InputError, match="types that are not trusted"):
        Ensemble.load(forged).answers(PreparedRows(prepared, "test"))
    assert not planted.exists()


def test_a_path_is_text_in_the_notebook_of_a_bundle(planted):
    data = f'x"); open({str(planted)!r}, "w"); ("'
    cells = notebook("run", "competition", "bundle", Path(data))["cells"]
    with pytest.raises(AssertionError, match="is not at"):
        exec(cells[1]["source"], {})
    assert not planted.exists()
