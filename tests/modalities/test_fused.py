import json
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from tests.conftest import predict_outside

from goldfold.competition.demo import write_digits
from goldfold.errors import InputError
from goldfold.imports import find_modality_part, modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.modalities.fused import saliency, shown
from goldfold.modalities.protocol import find_learning
from goldfold.prediction.exports import export
from goldfold.prediction.test_set import predict
from goldfold.prepare import Shown
from goldfold.training import FoldResult, train_fold
from goldfold.training.finetune import parameter_groups, set_trainable, trains_head_alone
from goldfold.training.reporter import Silent
from goldfold.training.trainer import make_trainer
from goldfold.validation.cross_validation import validate

pytestmark = pytest.mark.slow

BOTH = {"image": {"name": "test_resnet", "image_size": 32}, "table": {"hidden": [16], "periodic": 4}}
FLIP = [{"name": "HorizontalFlip", "p": 1.0}]


@pytest.fixture(scope="module")
def digits_root(tmp_path_factory):
    """300 of the embedded digits, with the ink in each quarter of the image as columns."""
    root = tmp_path_factory.mktemp("fused") / "digits"
    write_digits(root, root.parent / "solution.csv")
    for name in ("train", "test"):
        table = pd.read_csv(root / f"{name}.csv", dtype=str)[: 300 if name == "train" else None]
        ink = np.array([_ink(root / "images" / f"{id_}.png") for id_ in table["id"]])
        table.assign(**{f"ink{quarter}": ink[:, quarter] for quarter in range(4)}).to_csv(root / f"{name}.csv", index=False)
    return root


def _ink(path):
    return cv2.imread(str(path), cv2.IMREAD_GRAYSCALE).reshape(2, 4, 2, 4).sum(axis=(1, 3)).ravel()


@pytest.fixture(scope="module")
def fused(prepared_with, digits_root):
    return prepared_with(
        digits_root, competition={"modality": "image+table"}, model=BOTH, augment=FLIP, train={"epochs": 3, "lr": 0.01}
    )


def test_both_kinds_go_through_the_whole_pipeline(fused, digits_root, tmp_path):
    config, prepared, summary = fused
    assert summary["inputs"].startswith("images of 8x8") and summary["inputs"].endswith("columns: 4 numbers, 1 left out")
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold)) for fold in range(3)]
    loaded = [FoldResult.load(tmp_path / str(fold)) for fold in range(3)]
    assert validate(prepared, loaded, config.validate_).scores.folds == {fold.fold: fold.score for fold in folds}
    answer = predict(prepared, Ensemble(loaded, config.predict))
    answer.save(tmp_path / "submission")
    table = pd.read_csv(digits_root / "test.csv").head(2)
    table["image"] = [str(digits_root / "images" / f"{id_}.png") for id_ in answer.predictions["id"][:2]]
    table.to_csv(tmp_path / "rows.csv", index=False)
    rows = modality_part("image+table", "outside").read_files([tmp_path / "rows.csv"])
    _, alone, bad = predict_outside(loaded, rows)
    assert not bad and alone == pytest.approx(prepared.problem.predictions(answer.predictions)[:2], abs=1e-5)


def test_the_columns_are_learned_from(fused, tmp_path):
    config, prepared, _ = fused
    model = train_fold(prepared, 0, 0, config, tmp_path).build_model().eval()
    learning = find_learning("image+table")
    spec = learning.input_spec(config.model, prepared, prepared.training_rows(0))
    view = learning.plain_view(prepared, "train", spec)
    _, inputs = view.__getitems__([(0, row) for row in range(8)])
    changed = {**inputs, "numbers": inputs["numbers"] + 1}
    brighter = {**inputs, "image": 255 - inputs["image"]}
    with torch.inference_mode():
        assert not torch.allclose(model(**inputs), model(**changed)) and not torch.allclose(model(**inputs), model(**brighter))


def test_the_first_kind_is_augmented(fused):
    config, prepared, _ = fused
    learning = find_learning("image+table")
    rows = prepared.training_rows(0)
    spec = learning.input_spec(config.model, prepared, rows)
    _, seen = learning.training_view(prepared, rows, spec, config.augment, 0, 1).__getitems__([(0, int(rows[0]))])
    _, plain = learning.plain_view(prepared, "train", spec).__getitems__([(0, int(rows[0]))])
    assert torch.equal(seen["image"], plain["image"].flip(2)) and torch.equal(seen["numbers"], plain["numbers"])


def test_the_fresh_network_is_trained_with_the_head_of_a_pretrained_one(prepared_with, digits_root, weights, tmp_path):
    model = {**BOTH, "image": {**BOTH["image"], "pretrained": True, "weights": weights}}
    config, prepared, _ = prepared_with(
        digits_root, competition={"modality": "image+table"}, model=model, finetune={"train": "head", "layer_decay": 0.5}
    )
    trainer = make_trainer(prepared, 0, 0, config, Silent(), tmp_path)
    assert not trains_head_alone(trainer.model) and not trainer.on_features
    set_trainable(trainer.model, config.finetune, 0)
    trained = {name.removeprefix("backbone.").split(".")[0] for name, p in trainer.model.named_parameters() if p.requires_grad}
    assert trained == {"table", "norms", "head"}
    rates = {group["lr"] for group in parameter_groups(trainer.model, config.finetune, 1.0, 0.0)}
    assert max(rates) == 1 and len(rates) > 3


def test_it_can_be_exported(fused, tmp_path):
    config, prepared, _ = fused
    result = train_fold(prepared, 0, 0, config, tmp_path / "fold")
    written = export(result, prepared, ["onnx", "torchscript", "torch_export"], tmp_path / "out")
    assert max(written.values()) < 1e-4
    card = json.loads((tmp_path / "out/preprocessing.json").read_text())
    assert card["image"]["input"]["name"] == "image" and card["table"]["encoding"]["numbers"]
    inputs = prepared_inputs(result, prepared, card["inputs in order"])
    script, program = (
        torch.jit.load(tmp_path / "out/model.torchscript.pt"),
        torch.export.load(tmp_path / "out/model.pt2").module(),
    )
    assert torch.allclose(script(*inputs), program(*inputs), atol=1e-5)


def prepared_inputs(result, prepared, names):
    """Three rows in the order in which an exported model takes them."""
    view = result.modality.plain_view(prepared, "train", result.spec)
    _, inputs = view.__getitems__([(0, row) for row in range(3)])
    return [inputs[name] for name in names]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"model": {**BOTH, "table": {"name": "linear"}}}, "linear has no features to be joined"),
        ({"model": {**BOTH, "table": {"hiden": [3]}}}, "model.table.hiden: there is no such key; did you mean hidden"),
        ({"model": BOTH, "train": {"mix": ["MixUp"]}}, "MixUp and CutMix mix images alone"),
        ({"model": BOTH, "competition": {"modality": "image+tabel"}}, "no kind of input tabel; did you mean table"),
    ],
)
def test_a_wrong_setting_ends_in_a_message(prepared_with, digits_root, tmp_path, sections, message):
    competition = {"modality": "image+table", **sections.get("competition", {})}
    with pytest.raises(InputError, match=message):
        config, prepared, _ = prepared_with(digits_root, **{**sections, "competition": competition})
        train_fold(prepared, 0, 0, config, tmp_path)


def test_rows_are_shown_by_all_kinds_that_show_theirs_and_heated_by_the_first_that_can():
    picture = np.zeros((2, 2, 3), np.uint8)
    images = SimpleNamespace(show_rows=lambda *_: [Shown(picture=picture)])
    texts = SimpleNamespace(show_rows=lambda *_: [Shown(text="a text", values={"n": "1"})])
    (row,) = shown.joined([("text", texts), ("image", images)]).show_rows(None, "train", [0])
    assert row.picture is picture and (row.text, row.values) == ("a text", {"n": "1"})
    heated = SimpleNamespace(heat_maps=lambda model, inputs, directions, within: within)
    joined = saliency.joined([("image", heated), ("other", None)])
    assert joined.heat_maps(SimpleNamespace(backbone={"image": "its model"}), {}, None) == "its model"


def test_kinds_are_joined_where_all_have_a_module_or_for_people_one():
    assert find_modality_part("table+image", "saliency").parts[0][0] == "image"
    assert [name for name, _ in find_modality_part("text+table+image", "facts").parts] == ["text", "image"]
    assert find_modality_part("text+table", "saliency") is None


def test_photos_and_columns_of_a_real_competition_end_in_a_valid_submission(shared_data, prepared_with, tmp_path):
    competition = {"modality": "image+table", "images": "images/{id}_frontal.jpg", "metric": "rmsle"}
    prepare = {"image": {"image_size": 32}, "rows": 120}
    config, prepared, summary = prepared_with(
        shared_data / "houses", competition=competition, model=BOTH, prepare=prepare, train={"epochs": 4, "lr": 0.01}
    )
    assert "columns: 4 numbers" in summary["inputs"]
    result = train_fold(prepared, 0, 0, config, tmp_path / "fold")
    predict(prepared, Ensemble([result], config.predict)).save(tmp_path / "submission")
    assert result.score < 1.2


def test_an_estimator_reads_frozen_features_and_the_columns_beside_them(prepared_with, digits_root, weights, tmp_path):
    image = {"name": "test_resnet", "image_size": 32, "pretrained": True, "weights": weights, "estimator": "linear"}
    model = {"image": image, "table": {}}
    config, prepared, _ = prepared_with(digits_root, competition={"modality": "image+table"}, model=model, augment=FLIP)
    folds = [train_fold(prepared, fold, 0, config, tmp_path / str(fold), scratch=tmp_path) for fold in range(3)]
    # The encoding of the columns is each fold's own, and the features are those of all.
    assert len(list((tmp_path / "features").glob("*/train-*plain.npy"))) == 1
    assert validate(prepared, folds, config.validate_).scores.folds == {fold.fold: fold.score for fold in folds}
    built = FoldResult.load(tmp_path / "0").build_model()
    assert built.estimator.n_features_in_ == built.num_features + 4
    view = find_learning("image+table").plain_view(prepared, "test", folds[0].spec)
    _, inputs = view.__getitems__([(0, row) for row in range(8)])
    with torch.inference_mode():
        logits = built.eval()(**inputs)
        assert not torch.equal(built(**{**inputs, "numbers": inputs["numbers"] + 1}), logits)
        assert not torch.equal(built(**{**inputs, "image": 255 - inputs["image"]}), logits)


def test_an_estimator_stands_in_the_place_of_the_head(prepared_with, digits_root, weights):
    image = {"name": "test_resnet", "image_size": 32, "pretrained": True, "weights": weights, "estimator": "linear"}
    with pytest.raises(InputError, match="leave out head, or estimator"):
        model = {"image": image, "table": {}, "head": {"hidden": [8]}}
        prepared_with(digits_root, competition={"modality": "image+table"}, model=model)
