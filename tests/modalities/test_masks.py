"""Masks from a competition's files to its answer, on small images that are made here."""

from contextlib import suppress
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from tests.modalities.rectangles import FORM, HEIGHT, TEST, TRAIN, WIDTH, picture, write_competition

from goldfold.competition import read_competition, read_solution
from goldfold.competition.answers import breaches_of
from goldfold.config import Component, parse_config
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import OutsideRows
from goldfold.init import propose
from goldfold.masks import MaskForm, code_of, unpacked
from goldfold.modalities.masks import outside
from goldfold.modalities.masks.learning import plain_view, training_view
from goldfold.modalities.protocol import SIZE, TARGET
from goldfold.prediction import check_submission
from goldfold.prediction.mask_files import write_masks
from goldfold.prediction.submission import score_submission
from goldfold.prediction.test_set import predict
from goldfold.prepare import prepare
from goldfold.prepare.preparation import require_kind
from goldfold.report import About, build_report
from goldfold.training import train_fold
from goldfold.training.stopping import Stopped
from goldfold.validation.cross_validation import validate


def settings(root, **more):
    model = {"name": "test_resnet", "image_size": 64, "decoder": {"name": "Unet", "decoder_channels": [32, 16, 8, 8, 8]}}
    train = {"epochs": 12, "batch_size": 4, "lr": 0.01, "scheduler": {"name": "OneCycleLR", "pct_start": 0.25}, "workers": 0}
    tree = {
        "competition": {"path": str(root), "modality": "masks", **more},
        "split": {"n_folds": 2, "folds": [0, 1], "strategy": "kfold"},
        "model": model,
        "augment": [{"name": "HorizontalFlip", "p": 0.5}],
        "train": train,
        "validate": {"postprocess": "auto", "bootstrap": 50},
    }
    return parse_config(tree)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run: what was prepared, the two folds, their validation and the submission."""
    root = tmp_path_factory.mktemp("masks")
    config = settings(write_competition(root / "raw"))
    competition = read_competition(config.competition, config.prepare)
    prepared, _ = prepare(competition, config.split, config.prepare, root / "prepared")
    torch.set_num_threads(1)
    folds = [train_fold(prepared, fold, 0, config, root / str(fold)) for fold in (0, 1)]
    cv = validate(prepared, folds, config.validate_, config.predict)
    submission = predict(prepared, Ensemble(folds, config.predict, cv.postprocess.steps))
    return config, prepared, folds, cv, submission, root


def test_a_run_finds_the_rectangles(run):
    _, prepared, _, cv, submission, root = run
    assert cv.scores.metric == "mean_dice" and cv.scores.score > 0.8
    assert cv.scores.low <= cv.scores.score <= cv.scores.high
    assert "mask" in str(cv.postprocess)
    submission.save(root / "submission")
    written = pd.read_csv(root / "submission/submission.csv", dtype=str, keep_default_na=False)
    truth = prepared.problem.truth(pd.DataFrame({"rle": [code_of(picture(100 + n)[1], MaskForm()) for n in range(TEST)]}))
    assert prepared.problem.score(truth, written[["rle"]].to_numpy(object)) > 0.8


def test_a_result_is_read_back_as_it_was(run):
    _, prepared, _, cv, _, root = run
    cv.save(root / "cv")
    again = type(cv).load(root / "cv", prepared.problem)
    assert again.scores == cv.scores
    pd.testing.assert_frame_equal(again.judged(), cv.judged())


def test_the_same_fold_has_the_same_bits(run, tmp_path):
    config, prepared, folds, *_ = run
    again = train_fold(prepared, 0, 0, config, tmp_path)
    assert all(torch.equal(tensor, again.weights[name]) for name, tensor in folds[0].weights.items())


def test_a_training_that_was_stopped_goes_on_to_the_same_bits(run, tmp_path):
    config, prepared, folds, *_ = run
    asked = iter(range(1000))
    with suppress(Stopped):
        cut = train_fold(
            prepared, 0, 0, config, tmp_path / "0", scratch=tmp_path, stop=lambda: "interrupted" if next(asked) > 12 else None
        )
        assert cut.ended == "interrupted" and len(cut.history) < config.train.epochs
    whole = train_fold(prepared, 0, 0, config, tmp_path / "0", scratch=tmp_path)
    assert all(torch.equal(tensor, whole.weights[name]) for name, tensor in folds[0].weights.items())


def test_a_submission_is_scored_by_a_solution(run, tmp_path):
    config, prepared, _, _, submission, _ = run
    codes = [code_of(picture(100 + n)[1], FORM) for n in range(TEST)]
    ids = [f"i{100 + n}" for n in range(TEST)]
    pd.DataFrame({"id": ids, "rle": codes, "Usage": ["Public", "Private"] * 2}).to_csv(tmp_path / "solution.csv", index=False)
    scored = config.competition.model_copy(update={"solution": str(tmp_path / "solution.csv")})
    solution = read_solution(scored, prepared.problem, prepared.sample, prepared.test)
    submission.save(tmp_path / "answer")
    path = tmp_path / "answer/submission.csv"
    score = score_submission(path, solution, prepared.problem, prepared.sample)
    written = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert score == prepared.problem.score(np.array(codes, object)[:, None], written[["rle"]].to_numpy(object)) > 0.8
    with pytest.raises(InputError, match="pixel"):
        check_submission(path, prepared.sample, prepared.problem, dict.fromkeys(ids, 100))


def test_a_photo_gets_a_mask_of_its_own_size(run, tmp_path):
    config, prepared, folds, cv, *_ = run
    photo = tmp_path / "photo.png"
    cv2.imwrite(str(photo), picture(101)[0])
    ensemble = Ensemble(folds, config.predict, cv.postprocess.steps)
    rows = OutsideRows(outside.read_files([photo]))
    (line,) = write_masks(prepared.problem, ["photo.png"], ensemble.processed(rows), tmp_path)
    mask = cv2.imread(str(tmp_path / "photo_mask.png"), cv2.IMREAD_GRAYSCALE)
    assert mask.shape == (HEIGHT, WIDTH) and set(np.unique(mask)) == {0, 255}
    assert "of 64 x 48 pixels" in line
    (code,) = ensemble.answers(rows)["rle"]
    assert code == code_of(mask > 0, MaskForm())


def test_the_report_shows_the_worst_images(run):
    _, prepared, folds, cv, *_ = run
    page = build_report(prepared, cv, folds, About("run", {}, {}))
    assert "Dice by area" in page and "the lowest Dice" in page and page.count("<img") == TRAIN


def test_image_and_mask_are_changed_as_one(run):
    _, prepared, folds, *_ = run
    turned = [Component(name="Affine", rotate=[20, 90], translate_percent=[-0.2, 0.2], p=1.0)]
    rows, spec = np.arange(TRAIN), folds[0].spec
    _, batch = training_view(prepared, rows, spec, turned, seed=0, epochs=1).__getitems__([(0, row) for row in range(4)])
    _, plain = plain_view(prepared, "train", spec).__getitems__([(0, row) for row in range(4)])
    for made in (batch, plain):
        bright = made["image"].float().mean(dim=3) > 100
        assert (bright == (made[TARGET][:, 0] >= 128)).float().mean() > 0.98
    assert (batch[TARGET] != plain[TARGET]).any()
    assert batch[TARGET].shape == (4, 1, 64, 64) and batch[TARGET].max() == 255
    assert plain[SIZE].tolist() == [[HEIGHT, WIDTH]] * 4
    assert TARGET not in plain_view(prepared, "test", spec).__getitems__([(0, 0)])[1]


@pytest.mark.parametrize("name", ["HorizontalFlip", "VerticalFlip", "Transpose"])
def test_changes_of_test_time_augmentation_are_undone(run, name):
    _, prepared, folds, *_ = run
    view = plain_view(prepared, "train", folds[0].spec, Component(name=name))
    _, changed = view.__getitems__([(0, 0)])
    _, plain = plain_view(prepared, "train", folds[0].spec).__getitems__([(0, 0)])
    assert ((view.undone(changed[TARGET]) >= 128) != (plain[TARGET] >= 128)).float().mean() < 0.02


def test_rows_of_instances_are_one_and_an_answer_has_a_row_for_each_part(tmp_path):
    def halves(masks):
        rows = []
        for name, mask in masks:
            left = mask.copy()
            left[:, WIDTH // 2 :] = 0
            rows += [(name, code_of(part, MaskForm())) for part in (left, mask - left)]
        return pd.DataFrame(rows, columns=["id", "rle"])

    config = settings(write_competition(tmp_path / "raw", rows=halves), mask={"per": "instance"})
    competition = read_competition(config.competition)
    assert list(competition.train["rle"]) == [code_of(picture(number)[1], MaskForm()) for number in range(TRAIN)]
    problem, ids = competition.problem, pd.Series(["i1", "i1"])
    assert not breaches_of(problem, ids, pd.DataFrame({"rle": ["1 3", "5 2"]}))
    assert "overlap" in breaches_of(problem, ids, pd.DataFrame({"rle": ["1 3", "3 2"]}))[0]


def by_class(masks, sep=None):
    """Each mask as that of the class a, and its other half of the image as that of b."""
    rows = []
    for name, mask in masks:
        rows += [(name, label, code_of(part, MaskForm())) for label, part in (("a", mask), ("b", 1 - mask))]
    table = pd.DataFrame(rows, columns=["id", "class", "rle"])
    return table if sep is None else pd.DataFrame({"id": table["id"] + sep + table["class"], "rle": table["rle"]})


def test_a_column_tells_the_class(tmp_path):
    def sample(names):
        return pd.DataFrame([(name, label, "") for name in names for label in "ab"], columns=["id", "class", "rle"])

    root = write_competition(tmp_path / "raw", rows=by_class, sample=sample)
    config = settings(root, target="rle", mask={"label": "class"})
    competition = read_competition(config.competition)
    assert competition.problem.targets == ("a", "b") and len(competition.train) == TRAIN and len(competition.test) == TEST
    assert proposed(root)["competition.target"] == "rle"
    assert read_as_proposed(root).problem.targets == ("a", "b")


def read_as_proposed(root):
    """The competition, read by what init writes for it."""
    written = {key.partition(".")[2]: value for key, value in proposed(root).items() if key.startswith("competition.")}
    return read_competition(
        settings(root, **{key: value for key, value in written.items() if key not in ("path", "modality")}).competition
    )


@pytest.mark.parametrize("columns", [["id", "rle", "class"], ["id_class", "rle"]])
def test_init_finds_the_class_wherever_the_sample_submission_names_it(tmp_path, columns):
    def sample(names):
        rows = [(name, label, "1 1", f"{name}_{label}") for name in names for label in "ba"]
        return pd.DataFrame(rows, columns=["id", "class", "rle", "id_class"])[columns]

    root = write_competition(tmp_path / "raw", rows=by_class, sample=sample)
    competition = read_as_proposed(root)
    assert competition.problem.targets == ("a", "b") and list(competition.test["id"]) == [f"i{100 + n}" for n in range(TEST)]
    assert list(competition.train["b"]) == [code_of(1 - picture(number)[1], FORM) for number in range(TRAIN)]


def test_a_mask_of_no_class_is_told(tmp_path):
    def lost(masks):
        return by_class(masks).replace({"class": {"b": ""}})

    config = settings(
        write_competition(tmp_path / "raw", rows=lost), target="rle", mask={"label": "class"}, pair_id="{id}_{label}"
    )
    with pytest.raises(InputError, match=r"masks of no class.*: 16"):
        read_competition(config.competition)
    config = settings(write_competition(tmp_path / "other"), pair_id="{id}_{label}")
    with pytest.raises(InputError, match="do not name a class"):
        read_competition(config.competition)


def test_an_id_tells_the_class(tmp_path):
    def sample(names):
        return pd.DataFrame({"id": [f"{name}_{label}" for name in names for label in "ab"], "rle": "1 1"})

    root = write_competition(tmp_path / "raw", rows=lambda masks: by_class(masks, "_"), sample=sample)
    competition = read_competition(settings(root, pair_id="{id}_{label}").competition)
    assert competition.problem.targets == ("a", "b") and list(competition.test["id"]) == [f"i{100 + n}" for n in range(TEST)]
    assert proposed(root)["competition.pair_id"] == "{id}_{label}"
    assert read_as_proposed(root).problem.targets == ("a", "b")


def test_a_solution_of_classes_scores_the_images_that_it_has_rows_of(tmp_path):
    def sample(names):
        return pd.DataFrame({"id": [f"{name}_{label}" for name in names for label in "ab"], "rle": "1 1"})

    root = write_competition(tmp_path / "raw", rows=lambda masks: by_class(masks, "_"), sample=sample)
    path = tmp_path / "solution.csv"
    config = settings(root, pair_id="{id}_{label}", solution=str(path)).competition
    competition = read_competition(config)

    def read(rows):
        pd.DataFrame(rows, columns=["id", "rle", "Usage"][: len(rows[0])]).to_csv(path, index=False)
        return read_solution(config, competition.problem, competition.sample, competition.test)

    solution = read([("i101_b", "3 4", "Public"), ("i100_a", "1 2", "Private")])
    assert solution[["id", "a", "b", "Usage"]].to_numpy().tolist() == [
        ["i100", "1 2", "", "Private"],
        ["i101", "", "3 4", "Public"],
    ]
    assert list(read([("i101_b", "3 4")])["id"]) == ["i101"]
    with pytest.raises(InputError, match="no rows to score by"):
        read([("i101_b", "3 4", "Ignored")])


def proposed(root):
    """What init writes for the files, by key."""
    return {one.key: one.value for one in propose(root, str(root), {}).settings if not one.is_remark}


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("order", ["columns", "rows"])
def test_init_tells_masks_and_how_their_pixels_are_counted(tmp_path, order, start):
    root = write_competition(tmp_path / "raw", form=MaskForm(order=order, start=start))
    found = proposed(root)
    assert found["competition.modality"] == "masks" and found["competition.task"] == "masks"
    assert found["competition.mask"] == {"order": order, "start": start} and found["competition.metric"] == "mean_dice"
    assert found["validate.postprocess"] == "auto"


def test_a_code_with_pixel_0_counts_from_0_whatever_its_runs_order(tmp_path):
    def unsorted(masks):
        return pd.DataFrame([(name, f"{code_of(mask, FORM)} 0 1 ".strip() + " ") for name, mask in masks], columns=["id", "rle"])

    assert proposed(write_competition(tmp_path / "raw", rows=unsorted))["competition.mask"]["start"] == 0


def one_pixel(masks):
    return pd.DataFrame([(name, code_of(mask, FORM) or "1 1") for name, mask in masks], columns=["id", "rle"])


def test_one_pixel_in_the_corner_of_several_images_is_an_empty_mask(tmp_path):
    root = write_competition(tmp_path / "raw", rows=one_pixel)
    assert proposed(root)["competition.mask"]["empty"] == "1 1"
    competition = read_competition(settings(root, mask={"empty": "1 1"}).competition)
    empty = [picture(number)[1].sum() == 0 for number in range(TRAIN)]
    assert list(competition.train["rle"] == "") == empty
    answer = np.array([[code or "1 1"] for code in competition.train["rle"]], object)
    assert competition.problem.score(competition.problem.truth(competition.train), answer) == 1


def test_wrong_codes_are_told_by_their_rows(tmp_path):
    def wrong(masks):
        return pd.DataFrame([(name, "1 2 3" if name == "i3" else "1 2 5 3") for name, _ in masks], columns=["id", "rle"])

    config = settings(write_competition(tmp_path / "raw", rows=wrong), task="masks")
    with pytest.raises(InputError, match="no run-length codes: 1"):
        read_competition(config.competition)


def test_a_mask_that_leaves_its_image_is_told(tmp_path):
    def large(masks):
        return pd.DataFrame([(name, f"1 2 {HEIGHT * WIDTH - 1} 9") for name, _ in masks], columns=["id", "rle"])

    config = settings(write_competition(tmp_path / "raw", rows=large))
    competition = read_competition(config.competition)
    with pytest.raises(InputError, match="16 masks do not fit their images"):
        prepare(competition, config.split, config.prepare, tmp_path / "prepared")


def test_masks_need_their_kind_of_input(run):
    _, prepared, *_ = run
    with pytest.raises(InputError, match=r"set competition\.modality: masks"):
        require_kind(replace(prepared.problem, modality="image"))


def test_what_masks_cannot_do_is_refused(run):
    config, prepared, *_ = run
    with pytest.raises(InputError, match="blending masks is not possible yet"):
        prepared.problem.require_no_masks("blending")
    with pytest.raises(InputError, match=r"train\.mix"):
        parse_config({**config.model_dump(mode="json", by_alias=True), "train": {"epochs": 2, "mix": ["MixUp"]}})
    with pytest.raises(InputError, match="no multiple of 32"):
        parse_config({"competition": {"path": "x", "modality": "masks"}, "model": {"name": "resnet18", "image_size": 100}})


def test_cells_know_the_size_of_their_image(run):
    *_, submission, _ = run
    cells = submission.problem.predictions(submission.predictions)
    assert {unpacked(cell)[1:3] for cell in cells.ravel()} == {(HEIGHT, WIDTH)}
