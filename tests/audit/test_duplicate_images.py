import cv2
import numpy as np
import pandas as pd
import pytest
from tests.audit.conftest import photo

from goldfold.competition import read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import CompetitionConfig, SplitConfig
from goldfold.modalities.image.alike import alike_images
from goldfold.modalities.image.cache import SKETCHES, write_image_cache
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prepare import prepare


def jpeg(picture, quality):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


CHANGES = {
    "the same file": (png, "exact"),
    "the same pixels": (lambda picture: cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes(), "exact"),
    "written again": (lambda picture: jpeg(picture, 40), "near"),
    "smaller": (lambda picture: png(cv2.resize(picture, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)), "near"),
    "brighter": (lambda picture: png(np.uint8(60 + 0.7 * picture)), "near"),
    "cut": (lambda picture: png(picture[3:-3, 4:-2]), "near"),
    "mirrored": (lambda picture: png(picture[:, ::-1]), "mirrored"),
}


def pairs_of(folder, files, workers=2, bad_images="error"):
    """The pairs that are found among files, by their names."""
    (folder / "images").mkdir(parents=True)
    for name, data in files.items():
        (folder / "images" / name).write_bytes(data)
    config = ImagePrepareConfig(workers=workers, bad_images=bad_images)
    images, _, _ = write_image_cache(folder / "cache", [folder / "images" / name for name in files], config)
    pairs = alike_images(images)
    names = list(files)
    return {(names[pair.first], names[pair.second]): pair.how for pair in pairs.itertuples()}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found_and_nothing_else(tmp_path, photos, change):
    changed, how = CHANGES[change]
    files = {f"{number}": png(picture) for number, picture in enumerate(photos)}
    copies = {f"{number} again": changed(photos[number]) for number in (3, 17, 30)}
    found = pairs_of(tmp_path, {**files, **copies})
    assert found == {(name.split()[0], name): how for name in copies}


def test_many_copies_are_one_group(tmp_path, photos):
    files = {f"{number}": png(picture) for number, picture in enumerate(photos)}
    found = pairs_of(tmp_path, {**files, **{f"copy {quality}": jpeg(photos[5], quality) for quality in range(60, 90, 2)}})
    assert {name for pair in found for name in pair} == {"5", *(f"copy {quality}" for quality in range(60, 90, 2))}


def test_outlines_that_look_alike_are_no_copies(tmp_path):
    files = {}
    for number in range(60):
        outline = np.zeros((120, 160, 3), np.uint8)
        draws = np.random.default_rng(number)
        angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        radii = 1 + 0.03 * draws.normal(size=40)
        points = np.stack([80 + 66 * radii * np.cos(angles), 60 + 48 * radii * np.sin(angles)], axis=1)
        files[f"{number}"] = png(cv2.fillPoly(outline, [points.astype(np.int32)], (255, 255, 255)))
    assert pairs_of(tmp_path, files) == {}


def test_images_left_blank_are_no_copies_of_each_other(tmp_path, photos):
    files = {"a": png(photos[0]), "b": b"broken", "c": b"broken", "d": png(photos[1])}
    assert pairs_of(tmp_path, files, bad_images="blank") == {}


def test_the_number_of_workers_changes_nothing(tmp_path, photos):
    files = {f"{number}": png(picture) for number, picture in enumerate(photos)} | {"again": jpeg(photos[2], 50)}
    found = [pairs_of(tmp_path / str(workers), files, workers) for workers in (1, 3)]
    sketches = [(tmp_path / workers / "cache" / SKETCHES).read_bytes() for workers in "13"]
    assert found[0] == found[1] == {("2", "again"): "near"} and sketches[0] == sketches[1]


def test_grey_images_and_odd_channels_are_compared_too(tmp_path, photos):
    folder = tmp_path / "images"
    folder.mkdir()
    arrays = [np.dstack([photo, photo[..., :2]]) for photo in photos[:12]]
    for number, array in enumerate([*arrays, arrays[4]]):
        np.save(folder / f"{number}.npy", array)
    paths = [folder / f"{number}.npy" for number in range(13)]
    images, _, _ = write_image_cache(tmp_path / "cache", paths, ImagePrepareConfig(channels=5))
    pairs = alike_images(images)
    assert pairs[["first", "second", "how"]].to_numpy().tolist() == [[4, 12, "exact"]]


def test_few_images_and_one_without_contrast_are_no_trouble(tmp_path):
    assert pairs_of(tmp_path / "one", {"a": png(photo(0))}) == {}
    flat = {name: png(np.full((20, 20, 3), level, np.uint8)) for name, level in (("a", 90), ("b", 120), ("c", 90))}
    assert pairs_of(tmp_path / "flat", flat) == {("a", "c"): "exact"}


@pytest.mark.slow
def test_the_embedded_digits_have_none(tmp_path):
    write_digits(tmp_path / "digits", tmp_path / "solution.csv")
    read = read_competition(CompetitionConfig(path=str(tmp_path / "digits")))
    prepare(read, SplitConfig(), ImagePrepareConfig(), tmp_path / "prepared")
    assert len(pd.read_parquet(tmp_path / "prepared/duplicates.parquet")) == 0


REAL = {
    "houses": ({"images": "images/{id}_frontal.jpg"}, {"12 32", "30 11", "59 72", "199 214", "271 305", "292 293", "351 331"}),
    "dogs-vs-cats": ({"file_pattern": r"(?P<label>cat|dog)\.\d+", "metric": "log_loss"}, {"dog.180.jpg dog.74.jpg"}),
    "leaf-classification": ({}, set()),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL)
def test_in_real_photos_those_that_are_there_are_found_and_no_others(shared_data, tmp_path, name):
    settings, known = REAL[name]
    read = read_competition(CompetitionConfig(path=str(shared_data / name), **settings))
    prepared, _ = prepare(read, SplitConfig(), ImagePrepareConfig(), tmp_path / "prepared")
    ids = [*prepared.train[prepared.problem.id], *prepared.test[prepared.problem.id]]
    pairs = pd.read_parquet(tmp_path / "prepared/duplicates.parquet")
    assert {f"{ids[pair.first]} {ids[pair.second]}" for pair in pairs.itertuples()} == known
