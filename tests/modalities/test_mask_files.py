"""Masks that are files: which is whose, what their values mean, and what is asked or told rather than guessed."""

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from tests.modalities.rectangles import FORM, HEIGHT, TEST, TRAIN, WIDTH, picture

from goldfold.competition import read_competition, read_solution
from goldfold.config import parse_config
from goldfold.errors import InputError, QuestionError
from goldfold.init import propose
from goldfold.masks import code_of, unpacked
from goldfold.modalities.image.cache import ImageCache
from goldfold.modalities.masks.learning import true_masks
from goldfold.prepare import prepare
from goldfold.training import train_fold

COLOURS = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, pixels)
    else:
        Image.fromarray(pixels).save(path)


def in_classes(number):
    """A mask of two classes: the rectangle is 1, and a stripe below it 2."""
    mask = picture(number)[1].copy()
    mask[-4:, :9] = 2
    return mask


def bright(number):
    return picture(number)[1] * np.uint8(255)


def write(root, image="images/x{}.png", mask="masks/x{}.png", made=bright, numbers=range(TRAIN)):
    """Write images, and a mask for each as `made` makes it."""
    for number in numbers:
        save(root / image.format(number), picture(number)[0])
        save(root / mask.format(number), made(number))
    return root


def write_test(root, image="test_images/y{}.png"):
    for number in range(100, 100 + TEST):
        save(root / image.format(number), picture(number)[0])
    return root


def proposed(root, **overrides):
    """The section competition as init writes it."""
    settings = propose(root, str(root), overrides).settings
    return {one.name: one.value for one in settings if one.section == "competition" and not one.is_remark}


def config_of(section, **more):
    model = {"name": "test_resnet", "image_size": 64, "decoder": {"name": "Unet", "decoder_channels": [16, 8, 8, 8, 8]}}
    split = {"n_folds": 2, "folds": [0, 1], "strategy": "kfold"}
    train = {"epochs": 1, "batch_size": 4, "lr": 0.01, "workers": 0}
    return parse_config({"competition": section, "model": model, "split": split, "train": train, **more})


def read(root, **overrides):
    """The competition, read by what init writes for it."""
    return read_competition(config_of({"path": str(root), **proposed(root, **overrides)}).competition)


def codes(numbers, made=lambda number: picture(number)[1]):
    return [code_of(made(number), FORM) for number in numbers]


def numbers_of(competition):
    return [int("".join(filter(str.isdigit, key))) for key in competition.train["id"]]


@pytest.mark.parametrize(
    ("image", "mask", "template"),
    [
        ("images/x{}.jpg", "masks/x{}.png", "masks/{stem}.png"),
        ("train_images/x{}.jpg", "train_masks/x{}_mask.gif", "train_masks/{stem}_mask.gif"),
        ("x{}.png", "x{}_seg.png", "{stem}_seg.png"),
        ("Images/X{}.TIF", "Masks/x{}.PNG", "Masks/{stem}.PNG"),
        ("train/{}_sat.jpg", "train/{}_mask.png", "train/{start}_mask.png"),
        ("case/c{0}/images/i{0}.png", "case/c{0}/masks/i{0}.png", "{above}/masks/{stem}.png"),
        ("case/c{0}/images/i{0}.png", "case/c{0}/masks/part_a.png", "{above}/masks/*.png"),
        ("image/x{}.png", "mask/x{}.npy", "mask/{stem}.npy"),
        ("photos/x{}.png", "output/x{}.png", "output/{stem}.png"),
    ],
)
def test_init_finds_whose_mask_a_file_is(tmp_path, image, mask, template):
    write(tmp_path, image, mask)
    if template == "{above}/masks/*.png":
        write(tmp_path, image, mask.replace("part_a", "part_b"), lambda _: np.eye(HEIGHT, WIDTH, dtype=np.uint8) * np.uint8(255))
    section = proposed(tmp_path)
    assert (section["modality"], section["task"], section["metric"], section["masks"]) == (
        "masks",
        "masks",
        "mean_dice",
        template,
    )
    competition = read(tmp_path)
    both = np.eye(HEIGHT, WIDTH, dtype=np.uint8) if "*" in template else 0
    assert list(competition.train["mask"]) == codes(numbers_of(competition), lambda number: picture(number)[1] | both)
    assert len(competition.row_files().paths) == TRAIN


@pytest.mark.parametrize("kind", ["numbers", "colours", "palette"])
def test_each_value_is_a_class(tmp_path, kind):
    def made(number):
        return COLOURS[in_classes(number)] if kind == "colours" else in_classes(number)

    write(tmp_path, made=made)
    if kind == "palette":
        for path in (tmp_path / "masks").iterdir():
            indexed = Image.open(path).convert("P")
            indexed.putpalette(COLOURS.ravel().tolist())
            indexed.save(path)
    names = ["#ff0000", "#00ff00"] if kind == "colours" else ["1", "2"]
    assert proposed(tmp_path)["mask"] == {"values": {name: name for name in sorted(names)}}
    competition = read(tmp_path, mask={"values": {names[0]: "road", names[1]: "car"}})
    assert competition.problem.targets == ("road", "car")
    for number, label in ((1, "road"), (2, "car")):
        wanted = codes(numbers_of(competition), lambda one, number=number: (in_classes(one) == number).astype(np.uint8))
        assert list(competition.train[label]) == wanted


def test_palettes_that_differ_are_read_by_their_colours(tmp_path):
    write(tmp_path, made=in_classes)
    for number, path in enumerate(sorted((tmp_path / "masks").iterdir())):
        order = [0, 1, 2] if number % 2 else [0, 2, 1]
        indexed = Image.fromarray(np.array(order, np.uint8)[np.asarray(Image.open(path))], mode="P")
        indexed.putpalette(COLOURS[order].ravel().tolist())
        indexed.save(path)
    competition = read(tmp_path)
    wanted = codes(numbers_of(competition), lambda number: (in_classes(number) == 1).astype(np.uint8))
    assert list(competition.train["#ff0000"]) == wanted


def test_a_folder_for_each_class(tmp_path):
    write(tmp_path, mask="masks/cat/x{}.png")
    write(tmp_path, mask="masks/dog/x{}.png", made=lambda number: 255 - bright(number))
    competition = read(tmp_path)
    assert proposed(tmp_path)["masks"] == "masks/{label}/{stem}.png" and competition.problem.targets == ("cat", "dog")
    assert list(competition.train["dog"]) == codes(numbers_of(competition), lambda number: 1 - picture(number)[1])


def test_masks_of_test_images_are_the_solution_and_no_images(tmp_path):
    write(tmp_path, "{}/images/x{{}}.png".format("train"), "train/masks/x{}.png")
    write(tmp_path, "test/images/x{}.png", "test/masks/x{}.png", numbers=range(100, 100 + TEST))
    config = config_of({"path": str(tmp_path), **proposed(tmp_path)})
    competition = read_competition(config.competition)
    assert len(competition.train) == TRAIN and list(competition.test["id"]) == [f"x{100 + n}.png" for n in range(TEST)]
    solution = read_solution(config.competition, competition.problem)
    assert list(solution["mask"]) == codes(range(100, 100 + TEST))


@pytest.mark.parametrize("by", ["pairs", "column"])
def test_the_sample_submission_asks_for_classes(tmp_path, by):
    write(write_test(tmp_path), "train_images/x{}.png", "train_masks/x{}.png", in_classes)
    rows = [(f"y{100 + n}", label, "1 1") for n in range(TEST) for label in "12"]
    sample = pd.DataFrame(rows, columns=["id", "class", "rle"])
    if by == "pairs":
        sample = pd.DataFrame({"id": sample["id"] + "_" + sample["class"], "rle": sample["rle"]})
    sample.to_csv(tmp_path / "sample_submission.csv", index=False)
    competition = read(tmp_path)
    assert competition.problem.targets == ("1", "2") and list(competition.test["id"]) == [f"y{100 + n}" for n in range(TEST)]
    assert not competition.row_files().missing


def test_images_that_the_sample_submission_asks_for_are_test_images(tmp_path):
    write(write_test(tmp_path, "images/x{}.png"))
    pd.DataFrame({"img": [f"x{100 + n}.png" for n in range(TEST)], "rle": ""}).to_csv(
        tmp_path / "sample_submission.csv", index=False
    )
    competition = read(tmp_path)
    assert (len(competition.train), len(competition.test)) == (TRAIN, TEST) and not competition.row_files().missing


@pytest.mark.parametrize("by", ["id", "column"])
def test_a_table_lists_the_images(tmp_path, by):
    write(
        write_test(tmp_path, "test/images/y{}.png"), "train/images/x{}.png", f"train/masks/{'x' if by == 'id' else 'm'}{{}}.png"
    )
    table = pd.DataFrame({"id": [f"x{n}" for n in range(TRAIN)]})
    if by == "column":
        table["mask"] = [f"train/masks/m{n}.png" for n in range(TRAIN)]
    table.to_csv(tmp_path / "train.csv", index=False)
    ids = [f"y{100 + n}" for n in range(TEST)]
    pd.DataFrame({"id": ids, "rle_mask": "1 1"}).to_csv(tmp_path / "sample_submission.csv", index=False)
    competition = read(tmp_path)
    assert proposed(tmp_path)["masks"] == ("{mask}" if by == "column" else "train/masks/{stem}.png")
    assert list(competition.train["mask"]) == codes(range(TRAIN)) and list(competition.test["id"]) == ids
    assert not competition.row_files().missing


def test_prepared_masks_are_those_of_the_files(tmp_path):
    write(tmp_path / "raw", made=in_classes)
    config = config_of({"path": str(tmp_path / "raw"), **proposed(tmp_path / "raw")})
    competition = read_competition(config.competition, config.prepare)
    prepared, _ = prepare(competition, config.split, config.prepare, tmp_path / "prepared")
    cells = true_masks(prepared)
    for row, number in enumerate(numbers_of(competition)):
        for column, value in enumerate((1, 2)):
            assert ((unpacked(cells[row, column]).levels > 0) == (in_classes(number) == value)).all()


@pytest.mark.parametrize("kind", ["16 bits", "five channels"])
def test_deep_images_and_many_channels_have_masks_too(tmp_path, kind):
    root = write(tmp_path / "raw")
    for path in (root / "images").iterdir():
        pixels = cv2.imread(str(path))
        if kind == "16 bits":
            cv2.imwrite(str(path), pixels[..., 0].astype(np.uint16) * 16)
        else:
            np.save(path.with_suffix(".npy"), pixels[..., [0, 1, 2, 0, 1]].astype(np.float32) / 100)
            path.unlink()
    channels = 3 if kind == "16 bits" else 5
    config = config_of({"path": str(root), **proposed(root)}, prepare={"channels": channels})
    prepared, _ = prepare(read_competition(config.competition), config.split, config.prepare, tmp_path / "prepared")
    cache = ImageCache.load(prepared.folder)
    assert list(cache.rendering.ranges) == ["uint16" if kind == "16 bits" else "float32"]
    assert cache[0].shape == (HEIGHT, WIDTH, channels) and cache[0].max() > 150
    fold = train_fold(prepared, 0, 0, config, tmp_path / "fold")
    assert fold.spec["channels"] == channels and len(fold.history) == 1


def reject(root, what, error=InputError, **overrides):
    with pytest.raises(error) as raised:
        proposed(root, **overrides)
    assert what in str(raised.value)
    return raised.value


def test_a_mask_of_another_size_is_told(tmp_path):
    write(tmp_path)
    save(tmp_path / "masks/x3.png", bright(3)[:40])
    reject(tmp_path, f"masks/x3.png has 40 x {WIDTH} pixels, and images/x3.png {HEIGHT} x {WIDTH}")


def test_an_image_without_a_mask_is_asked_for(tmp_path):
    write(tmp_path)
    (tmp_path / "masks/x3.png").unlink()
    question = reject(tmp_path, "no mask file for images/x3.png", QuestionError)
    sizes = {reply.value["missing"]: read(tmp_path, mask=reply.value) for reply in question.replies}
    assert {how: (len(one.train), len(one.test)) for how, one in sizes.items()} == {
        "drop": (TRAIN - 3, 2),
        "empty": (TRAIN - 2, 2),
        "test": (TRAIN - 1, 1),
    }


def test_a_value_that_is_no_class_is_told(tmp_path):
    write(tmp_path, made=in_classes)
    reject(tmp_path, "masks/x0.png: its value 2 is no class", mask={"values": {"1": "road"}})


def test_255_beside_numbers_is_asked_about(tmp_path):
    write(tmp_path, made=lambda number: np.where(np.eye(HEIGHT, WIDTH) > 0, 255, in_classes(number)).astype(np.uint8))
    question = reject(tmp_path, "is 255 a class", QuestionError)
    assert read(tmp_path, mask=question.replies[0].value).problem.targets == ("1", "2")


def test_numbered_instances_are_asked_about(tmp_path):
    write(
        tmp_path,
        made=lambda number: (np.arange(HEIGHT)[:, None] // 8 * np.ones((1, WIDTH))).clip(0, 2 + number % 3).astype(np.uint16),
    )
    question = reject(tmp_path, "numbers of instances, or of classes", QuestionError)
    assert read(tmp_path, mask=question.replies[0].value).problem.targets == ("mask",)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_soft_edges_are_asked_about(tmp_path, suffix):
    def made(number):
        return cv2.GaussianBlur(picture(number)[1] * np.uint8(255), (5, 5), 0)

    write(tmp_path, mask=f"masks/x{{}}.{suffix}", made=made)
    question = reject(tmp_path, "soft edges", QuestionError)
    assert question.replies[0].value == {"inside_from": 128}
    competition = read(tmp_path, mask=question.replies[0].value)
    numbers = numbers_of(competition)
    true = [picture(number)[1].sum() for number in numbers]
    areas = competition.problem.amounts(competition.problem.truth(competition.train)).ravel()
    assert np.abs(areas - true).max() <= 24


def test_images_of_one_name_in_several_folders_have_their_own_masks(tmp_path):
    for folder in ("day", "night"):
        write(tmp_path, f"images/{folder}/x{{}}.png", f"masks/{folder}/x{{}}.png")
    assert proposed(tmp_path)["masks"] == "masks/{inner}/{stem}.png"


def test_a_mask_that_may_be_of_several_images_is_told(tmp_path):
    for folder in ("day", "night"):
        write(tmp_path, f"images/{folder}/x{{}}.png", "masks/x{}.png")
    told = "masks/x0.png: images/day/x0.png, images/night/x0.png"
    reject(tmp_path, told, masks="masks/{stem}.png", task="masks")


def test_a_damaged_mask_is_told(tmp_path):
    write(tmp_path)
    path = tmp_path / "masks/x3.png"
    path.write_bytes(path.read_bytes()[:60])
    reject(tmp_path, "masks/x3.png: it cannot be read as a mask")


def test_masks_beside_a_column_that_may_be_the_answer_are_asked_about(tmp_path):
    write(tmp_path)
    pd.DataFrame({"id": [f"x{n}" for n in range(TRAIN)], "label": ["a", "b"] * (TRAIN // 2)}).to_csv(
        tmp_path / "train.csv", index=False
    )
    reject(tmp_path, "what is predicted?", QuestionError)
    assert proposed(tmp_path, task="masks")["modality"] == "masks"
    assert proposed(tmp_path, target="label", images="images/{id}.png")["modality"] == "image"


def test_photos_in_a_folder_of_that_name_are_no_masks(tmp_path):
    for number in range(TRAIN):
        for label in ("mask", "bare"):
            noise = np.random.default_rng(number).integers(0, 255, (HEIGHT, WIDTH, 3)).astype(np.uint8)
            save(tmp_path / label / f"x{number}.png", noise)
    assert proposed(tmp_path)["task"] == "binary"
