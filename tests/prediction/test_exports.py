"""Models outside the pipeline: files in other formats, single images, MLflow's python_function."""

import base64
import json
import sys

import cv2
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from tests.conftest import predict_outside, write_image

from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.pyfunc import _load_pyfunc
from goldfold.modalities.image import outside
from goldfold.modalities.image.cache import ImageCache
from goldfold.prediction import exports as exporting
from goldfold.prediction.exports import SUFFIXES, export
from goldfold.training import train_fold


@pytest.fixture(scope="module")
def result(digits, settings, tmp_path_factory):
    return train_fold(digits, 0, 0, settings(epochs=2), tmp_path_factory.mktemp("fold"))


def predicted(result, *paths):
    return predict_outside([result], outside.read_files(paths))[1]


def image_file(digits, row, folder):
    path = folder / f"{row}.png"
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), cv2.cvtColor(np.asarray(ImageCache.load(digits.folder)[len(digits.train) + row]), cv2.COLOR_RGB2BGR))
    return path


@pytest.mark.slow
def test_the_onnx_file_and_its_preprocessing_are_all_that_a_stranger_needs(digits, result, tmp_path):
    written = export(result, digits, ["onnx"], tmp_path)
    assert all(deviation < 1e-4 for deviation in written.values())
    card = json.loads((tmp_path / "preprocessing.json").read_text())
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    # A stranger's program, by the card alone.
    assert "INTER_LINEAR where the shorter side is at most 32" in card["steps"][-1]
    pixels = cv2.cvtColor(cv2.imread(str(image_file(digits, 3, tmp_path))), cv2.COLOR_BGR2RGB)
    size = card["input"]["shape"][1]
    pixels = cv2.resize(pixels, (size, size), interpolation=cv2.INTER_LINEAR)
    (logits,) = session.run([card["output"]["name"]], {card["input"]["name"]: pixels[np.newaxis]})
    probabilities = np.exp(logits[0]) / np.exp(logits[0]).sum()
    ours = predicted(result, tmp_path / "3.png")[0]
    assert card["output"]["activation"] == "softmax" and probabilities == pytest.approx(ours, abs=1e-4)
    assert card["output"]["classes"] == list(digits.problem.classes)
    assert session.get_inputs()[0].shape[0] == "batch"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["torchscript", "torch_export"])
def test_the_other_formats_load_and_agree_for_any_batch(digits, result, tmp_path, name):
    (path,) = export(result, digits, [name], tmp_path)
    model = torch.jit.load(str(path)) if name == "torchscript" else torch.export.load(path).module()
    images = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8)
    assert torch.allclose(model(image=images), result.build_model().eval()(images), atol=1e-4)


def test_a_file_that_deviates_is_not_kept(digits, result, tmp_path, monkeypatch):
    writer = exporting._WRITERS["torchscript"]

    def shifted(*args):
        exported = writer(*args)
        return lambda inputs: exported(inputs) + 0.01

    monkeypatch.setitem(exporting._WRITERS, "torchscript", shifted)
    with pytest.raises(InputError, match="deviates from PyTorch by 1"):
        export(result, digits, ["torchscript"], tmp_path)
    assert not list(tmp_path.iterdir())


def test_formats_have_suffixes_of_their_own():
    assert len(set(SUFFIXES.values())) == len(SUFFIXES) == len(exporting._WRITERS)


def test_files_that_cannot_be_predicted_are_told_and_the_others_predicted(result, tmp_path):
    write_image(tmp_path / "good.png", 0)
    (tmp_path / "bad.png").write_text("no image")
    table = outside.read_files([tmp_path / "good.png", tmp_path / "bad.png"])
    _, predictions, unreadable = predict_outside([result], table)
    assert predictions[0] == pytest.approx(predicted(result, tmp_path / "good.png")[0])
    assert unreadable == {1: "neither OpenCV nor Pillow can read it as an image"}
    with pytest.raises(InputError, match="are not there"):
        outside.read_files([tmp_path / "gone.png"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no images in these folders"):
        outside.read_files([tmp_path / "empty"])


class Branches(torch.nn.Module):
    """A network whose path depends on the values of its input."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.dark, self.bright = torch.nn.Linear(3, outputs), torch.nn.Linear(3, outputs)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        means = image.mean(dim=(2, 3))
        if bool(means.mean() > 0):
            return self.bright(means)
        return self.dark(means)


def test_a_network_with_control_flow_is_compiled_where_a_trace_would_be_wrong(digits, settings, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "own.branches", sys.modules[__name__])
    branching = train_fold(
        digits, 0, 0, settings(model={"name": "own.branches:Branches", "image_size": 32}, epochs=1), tmp_path / "a"
    )
    export(branching, digits, ["torchscript"], tmp_path)
    model, exported = branching.build_model().eval(), torch.jit.load(str(tmp_path / "model.torchscript.pt"))
    for value in (0, 60, 200, 255):
        images = torch.full((3, 32, 32, 3), value, dtype=torch.uint8)
        assert torch.allclose(exported(image=images), model(images), atol=1e-4)


def test_the_python_function_takes_bytes_and_base64(digits, result, tmp_path):
    Ensemble([result]).save(tmp_path / "folds")
    content = image_file(digits, 2, tmp_path).read_bytes()
    function = _load_pyfunc(str(tmp_path / "folds"))
    table = function.predict(pd.DataFrame({"image": [content, base64.b64encode(content).decode()]}))
    assert list(table.columns) == ["label", *digits.problem.outputs]
    assert table.iloc[0].equals(table.iloc[1])
    expected = predicted(result, tmp_path / "2.png")[0]
    assert table.iloc[0, 1:].to_numpy(float) == pytest.approx(expected) and table["label"][0] == str(expected.argmax())
    with pytest.raises(InputError, match="1 of 1 rows cannot be read"):
        function.predict(pd.DataFrame({"image": [b"no image"]}))
