import pickle
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from tests.conftest import write_image

from goldfold.errors import InputError
from goldfold.modalities.image import cache as image_cache
from goldfold.modalities.image.cache import ImageCache, write_image_cache
from goldfold.modalities.image.decoding import decode, shrink
from goldfold.modalities.image.settings import ImagePrepareConfig


def cache(folder, paths, size=64, bad="error", workers=1, channels=3, scratch=None):
    config = ImagePrepareConfig(image_size=size, bad_images=bad, workers=workers, channels=channels)
    return write_image_cache(folder, paths, config, scratch=scratch)


def test_a_small_image_is_kept_to_the_byte_as_rgb(tmp_path):
    write_image(tmp_path / "a.png", 0, (20, 30, 3))
    images, _, _ = cache(tmp_path / "c", [tmp_path / "a.png"])
    assert (images[0] == np.asarray(Image.open(tmp_path / "a.png").convert("RGB"))).all()


@pytest.mark.parametrize(
    ("shape", "expected"), [((200, 100), (128, 64, 3)), ((100, 200), (64, 128, 3)), ((64, 500), (64, 500, 3))]
)
def test_the_shorter_side_is_shrunk_and_the_aspect_kept(tmp_path, shape, expected):
    write_image(tmp_path / "a.png", 0, (*shape, 3))
    images, _, _ = cache(tmp_path / "c", [tmp_path / "a.png"])
    assert images[0].shape == expected
    assert images.index.loc[0, ["shipped_height", "shipped_width"]].tolist() == list(shape)


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "I;16", "LA", "1"])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_every_kind_of_image_becomes_rgb_bytes(tmp_path, mode, suffix):
    source = Image.fromarray(np.full((9, 9), 200, np.uint8))
    image = Image.fromarray(np.full((9, 9), 200 * 257, np.uint16)) if mode == "I;16" else source.convert(mode)
    image.save(tmp_path / f"a{suffix}")
    images, _, _ = cache(tmp_path / "c", [tmp_path / f"a{suffix}"])
    assert images[0].shape == (9, 9, 3) and images[0].dtype == np.uint8
    assert abs(int(images[0].mean()) - (255 if mode == "1" else 200)) <= 2 or mode == "1"


def test_a_gif_is_read_too(tmp_path):
    Image.fromarray(np.full((9, 9), 200, np.uint8)).save(tmp_path / "a.gif")
    assert cache(tmp_path / "c", [tmp_path / "a.gif"])[0][0].shape == (9, 9, 3)


def test_the_same_images_give_the_same_file_for_any_number_of_workers(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(40)]
    for n, path in enumerate(paths):
        write_image(path, n, (30 + n, 40, 3))
    hashes = {cache(tmp_path / f"c{workers}", paths, 16, workers=workers)[1] for workers in (1, 4)}
    assert len(hashes) == 1
    assert (tmp_path / "c1/images.u8").read_bytes() == (tmp_path / "c4/images.u8").read_bytes()


def test_an_image_of_two_rows_is_stored_once(tmp_path):
    write_image(tmp_path / "a.png", 0)
    images, _, _ = cache(tmp_path / "c", [tmp_path / "a.png"] * 2)
    assert len(images) == 2 and (tmp_path / "c/images.u8").stat().st_size == 8 * 8 * 3
    assert (images[0] == images[1]).all()


def test_a_cache_pickles_without_its_pixels_and_reads_on(tmp_path):
    write_image(tmp_path / "a.png", 0, (200, 200, 3))
    cache(tmp_path / "c", [tmp_path / "a.png"], 200)
    images = ImageCache.load(tmp_path / "c")
    first = images[0].copy()
    pickled = pickle.dumps(images)
    assert len(pickled) < 10_000
    assert (pickle.loads(pickled)[0] == first).all()


@pytest.fixture
def bad(tmp_path):
    write_image(tmp_path / "good.jpg", 0, (64, 64, 3))
    whole = (tmp_path / "good.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no image")
    return [tmp_path / name for name in ("good.jpg", "cut.jpg", "empty.png", "text.png", "gone.png")]


def test_images_that_cannot_be_decoded_are_told_together(tmp_path, bad):
    with pytest.raises(InputError, match="4 of 5 images") as caught:
        cache(tmp_path / "c", bad)
    assert "cut.jpg: the JPEG is cut short" in str(caught.value) and "empty.png: the file is empty" in str(caught.value)


def test_or_are_left_black_if_that_is_asked_for(tmp_path, bad):
    images, _, messages = cache(tmp_path / "c", bad, bad="blank")
    assert len(messages) == 4 and images[0].any() and not images[1].any()


def test_an_image_stands_upright_by_its_exif_orientation(tmp_path):
    image = Image.fromarray(np.zeros((10, 20, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert cv2.imread(str(tmp_path / "a.jpg")).shape[:2] == (20, 10)
    assert cache(tmp_path / "c", [tmp_path / "a.jpg"])[0][0].shape == (20, 10, 3)


@pytest.mark.parametrize(("channels", "mode"), [(1, "RGB"), (1, "L"), (2, "LA"), (4, "RGBA"), (3, "L")])
def test_images_have_the_channels_that_were_asked_for(tmp_path, channels, mode):
    Image.fromarray(np.full((9, 12, 3), 200, np.uint8)).convert(mode).save(tmp_path / "a.png")
    cache(tmp_path / "c", [tmp_path / "a.png"], channels=channels)
    image = ImageCache.load(tmp_path / "c")[0]
    assert image.shape == (9, 12, channels) and (image[..., 0] == 200).all()


def test_an_array_of_many_channels_is_an_image_and_is_shrunk(tmp_path):
    np.save(tmp_path / "a.npy", np.broadcast_to(np.arange(7, dtype=np.uint8), (100, 80, 7)))
    images, _, _ = cache(tmp_path / "c", [tmp_path / "a.npy"], size=40, channels=7)
    assert images[0].shape == (50, 40, 7) and images[0][3, 3].tolist() == list(range(7))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 5), np.uint8), "5 channels"),
        (np.zeros(4, np.uint8), "1 dimensions"),
        (np.zeros((4, 4), complex), "complex"),
    ],
)
def test_an_array_that_is_not_such_an_image_is_refused(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=message):
        cache(tmp_path / "c", [tmp_path / "a.npy"], channels=4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_at_a_fraction_of_its_size_to_the_same_picture(tmp_path, channels, orientation):
    rows, columns = np.mgrid[0:600, 0:800] / 800
    picture = Image.fromarray((np.stack([rows, columns, 1 - rows], axis=-1) * 255).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "a.jpg", quality=95, exif=exif)
    data = (tmp_path / "a.jpg").read_bytes()
    whole, reduced = decode(data, channels), decode(data, channels, 150)
    assert reduced.shape[0] * 4 == whole.shape[0] and reduced.shape[1] * 4 == whole.shape[1]
    images, _, _ = cache(tmp_path / "c", [tmp_path / "a.jpg"], 150, channels=channels)
    assert images.index.loc[0, ["shipped_height", "shipped_width"]].tolist() == list(whole.shape[:2])
    assert np.abs(images[0].astype(int) - shrink(whole, 150).astype(int)).max() <= 4
    # Not below the size that is asked for.
    assert min(decode(data, channels, 151).shape[:2]) == 300


@pytest.fixture
def decodings(monkeypatch):
    """Counts the images that are decoded."""
    seen = []
    monkeypatch.setattr(image_cache, "decode", lambda *args: seen.append(1) or decode(*args))
    return seen


def test_images_that_were_decoded_once_are_taken_over_without_room_of_their_own(tmp_path, decodings):
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    for n, path in enumerate(paths):
        write_image(path, n, (30 + n, 40, 3))
    _, first, _ = cache(tmp_path / "a", paths, scratch=tmp_path / "scratch")
    images, second, _ = cache(tmp_path / "b", paths, scratch=tmp_path / "scratch")
    assert len(decodings) == 5 and first == second
    assert (tmp_path / "a/images.u8").samefile(tmp_path / "b/images.u8")
    assert images[4].shape == (34, 40, 3)
    # Other rows, sizes and files are decoded, and what was kept for the ones before goes.
    for number, change in enumerate(({"size": 16}, {"channels": 1}, {})):
        write_image(paths[0], 9, (31, 41, 3))
        cache(tmp_path / f"c{number}", paths[: 5 - number], **change, scratch=tmp_path / "scratch")
    assert len(decodings) == 5 + 5 + 4 + 3 and len(list((tmp_path / "scratch/images").iterdir())) == 1
    assert (tmp_path / "a/images.u8").stat().st_nlink == 2


@pytest.mark.parametrize("part", ["pixels.u8", "index.parquet", "sketches.npy", "card.json", "sums.json"])
@pytest.mark.parametrize("size", [0, 10])
def test_what_is_kept_and_cut_is_decoded_again(tmp_path, decodings, capsys, part, size):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for seed, path in enumerate(paths):
        write_image(path, seed)
    config = ImagePrepareConfig(image_size=8)
    first, digest, _ = write_image_cache(tmp_path / "first", paths, config, scratch=tmp_path / "scratch")
    kept = next((tmp_path / "scratch/images").rglob(part))
    kept.write_bytes(kept.read_bytes()[:size]) if part != "pixels.u8" else replace_by_cut(kept, size)
    second, again, _ = write_image_cache(tmp_path / "second", paths, config, scratch=tmp_path / "scratch")
    assert again == digest and all(np.array_equal(second[row], first[row]) for row in (0, 1))
    assert capsys.readouterr().err.count("is cut or altered; it is deleted, and made again") == 1


def replace_by_cut(path, size):
    """Cut a file that is a link, and leave the other."""
    content = path.read_bytes()[:size]
    path.unlink()
    path.write_bytes(content)


def test_a_copy_takes_the_place_of_what_is_kept(tmp_path):
    write_image(tmp_path / "a.png", 0)
    for name in ("c", "other"):
        scratch = tmp_path / "scratch" if name == "c" else None
        cache(tmp_path / name, [tmp_path / "a.png"], size=64 if name == "c" else 4, scratch=scratch)
    (kept,) = (tmp_path / "scratch/images").glob("*/pixels.u8")
    shutil.copytree(tmp_path / "c", tmp_path / "copy")
    ImageCache.load(tmp_path / "other").share(tmp_path / "scratch")
    assert kept.samefile(tmp_path / "c/images.u8")
    ImageCache.load(tmp_path / "copy").share(tmp_path / "scratch")
    assert kept.samefile(tmp_path / "copy/images.u8")


def test_a_cache_written_again_leaves_what_is_kept_as_it_was(tmp_path):
    write_image(tmp_path / "a.png", 0)
    write_image(tmp_path / "b.png", 1)
    cache(tmp_path / "c", [tmp_path / "a.png"], scratch=tmp_path / "scratch")
    before = (tmp_path / "c/images.u8").read_bytes()
    cache(tmp_path / "c", [tmp_path / "b.png"])
    images, _, _ = cache(tmp_path / "d", [tmp_path / "a.png"], scratch=tmp_path / "scratch")
    assert images[0].tobytes() == before


@pytest.fixture
def stripes():
    """Thirty pictures of stripes, 0 and 1."""
    return [np.tile(np.arange(24) // 6 % 2, (20, 1)) for _ in range(30)]


@pytest.mark.parametrize(
    ("suffix", "dtype", "dark", "bright"),
    [
        (".png", np.uint16, 1300, 1530),
        (".tiff", np.uint16, 1300, 1530),
        (".tiff", np.float32, -0.25, 3.5),
        (".tiff", np.int32, -70000, 90000),
        (".npy", np.float64, 0.1, 0.2),
        (".npy", np.int16, -1000, 2000),
    ],
)
def test_deep_pixels_are_scaled_by_what_the_set_holds(tmp_path, stripes, suffix, dtype, dark, bright):
    paths = [tmp_path / f"{number}{suffix}" for number in range(30)]
    for path, picture in zip(paths, stripes, strict=True):
        pixels = (dark + (bright - dark) * picture).astype(dtype)
        np.save(path, pixels) if suffix == ".npy" else cv2.imwrite(str(path), pixels)
    # An outlier, and an image that is dark as a whole.
    flat = np.full((20, 24), dark, dtype)
    flat[0, 0] = 15 * bright
    np.save(paths[0], flat) if suffix == ".npy" else cv2.imwrite(str(paths[0]), flat)
    images, _, _ = cache(tmp_path / "c", paths)
    assert images[1].shape == (20, 24, 3) and (images[1][..., 1] == 255 * stripes[1]).all()
    assert (images[0][1:] == 0).all() and images[0][0, 0, 0] == 255
    (decision,) = images.rendering.decisions
    assert decision.setting == f"{np.dtype(dtype).name} pixels" and decision.value == f"{dark:g} to {bright:g} become 0 to 255"


@pytest.mark.parametrize(("ink", "background"), [(0, "white"), (240, "black")])
@pytest.mark.parametrize(("suffix", "mode"), [(".png", "RGBA"), (".png", "LA"), (".webp", "RGBA"), (".tif", "RGBA")])
def test_what_only_the_alpha_shows_is_seen(tmp_path, stripes, suffix, mode, ink, background):
    rgba = np.dstack([*[np.full((20, 24), ink)] * 3, 255 * stripes[0]]).astype(np.uint8)
    options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    Image.fromarray(rgba).convert(mode).save(tmp_path / f"a{suffix}", **options)
    write_image(tmp_path / "b.png", 0)
    for channels in (3, 1):
        images, _, _ = cache(tmp_path / "c", [tmp_path / f"a{suffix}", tmp_path / "b.png"], channels=channels)
        shown = {"white": 255, "black": 0}[background]
        assert (images[0][..., 0] == np.where(stripes[0], ink, shown)).all()
        assert images.rendering.decisions[0].value == f"laid over {background}"
    assert (images[1][..., 0] == cv2.imread(str(tmp_path / "b.png"), cv2.IMREAD_GRAYSCALE)).all()


def test_deep_pixels_with_alpha_are_scaled_and_laid_over_a_background(tmp_path, stripes):
    pixels = np.dstack([*[np.full((20, 24), 1000) + np.arange(24)] * 3, 65535 * stripes[0]]).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    images, _, _ = cache(tmp_path / "c", [tmp_path / "a.png"])
    assert images[0][0, 11, 0] == round(11 * 255 / 23) and len(images.rendering.decisions) == 2


def test_what_the_set_holds_is_kept_with_its_pixels(tmp_path, stripes, decodings):
    cv2.imwrite(str(tmp_path / "a.png"), (1300 + 200 * stripes[0]).astype(np.uint16))
    first, _, _ = cache(tmp_path / "c", [tmp_path / "a.png"], scratch=tmp_path / "scratch")
    again, _, _ = cache(tmp_path / "d", [tmp_path / "a.png"], scratch=tmp_path / "scratch")
    assert len(decodings) == 1
    assert first.rendering == again.rendering == ImageCache.load(tmp_path / "d").rendering
    assert first.rendering.ranges == {"uint16": (1300, 1500)}


def test_one_of_a_type_that_the_set_does_not_hold_has_its_whole_range_or_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.full((9, 9), 25700, np.uint16))
    assert (decode((tmp_path / "a.png").read_bytes()) == 100).all()
    cv2.imwrite(str(tmp_path / "a.tiff"), np.full((9, 9), 0.5, np.float32))
    with pytest.raises(ValueError, match="float32, whose range is unknown"):
        decode((tmp_path / "a.tiff").read_bytes())


def test_a_jpeg_with_bytes_behind_its_end_is_read_and_one_cut_behind_its_thumbnail_is_refused(tmp_path):
    write_image(tmp_path / "a.jpg", 0, (64, 64, 3))
    data = (tmp_path / "a.jpg").read_bytes()
    assert (decode(data + bytes(10_000)) == decode(data)).all()
    length = (len(data) + 2).to_bytes(2, "big")
    thumbnail = data[:2] + b"\xff\xe1" + length + data + data[2:]
    assert (decode(thumbnail) == decode(data)).all()
    with pytest.raises(ValueError, match="cut short"):
        decode(thumbnail[: len(thumbnail) - len(data) // 2])
