"""What preprocessing.json says of images is all that a program without goldfold needs to make the same bytes."""

import io
import re

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from goldfold.competition.images import image_files
from goldfold.modalities.image.cache import write_image_cache
from goldfold.modalities.image.learning import square
from goldfold.modalities.image.outside import describe, outside_view
from goldfold.modalities.image.settings import ImagePrepareConfig

SPEC = {"channels": 3, "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic"}


def followed(data, steps):
    """The model's input made of a file by the steps alone, each as it is written."""
    size = lambda text, step: int(re.search(text, step)[1])  # noqa: E731
    decode, reduced, otherwise, shrink, resize, *cut = steps
    grey = "GRAYSCALE" in decode
    kind = "GRAYSCALE" if grey else "COLOR"
    flag = getattr(cv2, f"IMREAD_{kind}")
    least = size(r"at least (\d+)", reduced)
    if data[:2] == b"\xff\xd8":
        shorter = min(Image.open(io.BytesIO(data)).size)
        flag = next((getattr(cv2, f"IMREAD_REDUCED_{kind}_{n}") for n in (8, 4, 2) if shorter // n >= least), flag)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    if pixels is None:
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
        pixels = np.asarray(upright.convert(re.search(r"convert\('(\w+)'\)", otherwise)[1]))
    elif not grey:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    for step in (shrink, resize):
        if step is shrink and min(pixels.shape[:2]) <= size(r"above (\d+)", step):
            continue
        pixels = resized(pixels, step)
    for step in cut:
        side = size(r"cut out (\d+)", step)
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        pixels = pixels[top : top + side, left : left + side]
    return pixels.reshape(*pixels.shape[:2], -1)


def resized(pixels, step):
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if found := re.search(r"round\(side \* (\d+)", step):
        height, width = (round(length * int(found[1]) / shorter) for length in (height, width))
    else:
        height = width = int(re.search(r"become (\d+)", step)[1])
    if pixels.shape[:2] == (height, width):
        return pixels
    rules = re.findall(r"INTER_(\w+) where (?:the shorter side|it) is at most (\d+)", step)
    name = next((name for name, most in rules if shorter <= int(most)), "AREA")
    return cv2.resize(pixels, (width, height), interpolation=getattr(cv2, f"INTER_{name}"))


def files():
    """Images of many sizes, kinds and orientations, as bytes by name."""
    draws = np.random.default_rng(0)
    shapes = [(900, 701), (601, 1023), (300, 257), (97, 203), (64, 64), (50, 31), (1400, 130), (256, 256)]
    for height, width in shapes:
        coarse = draws.integers(0, 256, (9, 9, 3), dtype=np.uint8)
        picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        picture = np.uint8(np.clip(picture + draws.normal(0, 20, picture.shape), 0, 255))
        for suffix in ("jpg", "png"):
            yield f"{height}x{width}.{suffix}", cv2.imencode(f".{suffix}", picture)[1].tobytes()
        turned, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(picture).save(turned, "JPEG", exif=exif)
        yield f"{height}x{width} turned", turned.getvalue()
    for name, mode in (("grey", "L"), ("alpha", "RGBA"), ("palette", "P")):
        content = io.BytesIO()
        Image.fromarray(picture).convert(mode).save(content, "GIF" if mode == "P" else "PNG")
        yield name, content.getvalue()


@pytest.mark.parametrize(("size", "crop"), [(128, None), (128, 0.875), (56, 0.9), (300, 1.0), (224, None)])
@pytest.mark.parametrize("channels", [3, 1])
def test_the_steps_followed_to_the_letter_give_the_bytes(size, crop, channels):
    spec = {**SPEC, "size": size, "crop": crop, "cache_size": 128, "channels": channels}
    contents = dict(files())
    view = outside_view(pd.DataFrame({"image": list(contents.values())}), spec, None, {})
    images = view.__getitems__([(0, row) for row in range(len(contents))])[1]["image"].numpy()
    for ours, (name, data) in zip(images, contents.items(), strict=True):
        theirs = followed(data, describe(spec)["steps"])
        assert ours.shape == theirs.shape == (size, size, channels) and np.array_equal(ours, theirs), name


@pytest.mark.parametrize(("folder", "cached"), [("dogs-vs-cats/train", 256), ("houses/images", 128), ("dogs-vs-cats/train", 100)])
def test_real_photos_come_out_the_same(shared_data, tmp_path, folder, cached):
    root = shared_data / folder
    paths = [root / name for name in image_files(root)[:40]]
    images, _, _ = write_image_cache(tmp_path, paths, ImagePrepareConfig(image_size=cached))
    spec = {**SPEC, "size": 224, "crop": 0.875, "cache_size": cached}
    for number, path in enumerate(paths):
        seen = square(images[number], 224, cv2.INTER_CUBIC, 0.875)
        assert np.array_equal(seen, followed(path.read_bytes(), describe(spec)["steps"])), path


def test_the_centre_is_cut_out_with_the_aspect_kept():
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 150] = 255
    image[25] = 255
    seen = square(image, 80, cv2.INTER_LINEAR, 0.8)
    assert np.array_equal(seen, image[10:90, 110:190])
