"""What preprocessing.json says of images is all that a program without goldfold needs to make the same bytes."""

import io
import re

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageOps

from goldfold.competition.row_files import files_of_kind
from goldfold.modalities.image.cache import write_image_cache
from goldfold.modalities.image.files import FILES
from goldfold.modalities.image.learning import square
from goldfold.modalities.image.outside import describe, outside_view
from goldfold.modalities.image.settings import ImagePrepareConfig

RENDERING = {"ranges": {"uint16": (1281.0, 1535.0), "float32": (-0.5, 2.25)}, "background": 0}
SPEC = {"channels": 3, "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "rendering": RENDERING}


def followed(data, steps):
    """Make the model's input of a file by the written steps alone."""
    size = lambda text, step: int(re.search(text, step)[1])  # noqa: E731
    decode, reduced, otherwise, deep, transparent, shrink, resize, *cut = steps
    grey = "GRAYSCALE" in decode
    kind = "GRAYSCALE" if grey else "COLOR"
    flag = getattr(cv2, f"IMREAD_{kind}")
    least = size(r"at least (\d+)", reduced)
    if data[:2] == b"\xff\xd8":
        shorter = min(Image.open(io.BytesIO(data)).size)
        flag = next((getattr(cv2, f"IMREAD_REDUCED_{kind}_{n}") for n in (8, 4, 2) if shorter // n >= least), flag)
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flag)
    special = rendered(data, deep, transparent)
    if special is not None:
        pixels = cv2.cvtColor(special, cv2.COLOR_RGB2GRAY) if grey and special.ndim == 3 else special
        pixels = np.dstack([pixels] * 3) if not grey and pixels.ndim == 2 else pixels
    elif pixels is None:
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


def rendered(data, deep, transparent):
    """The pixels of a deep or a transparent image by these two steps; None for any other."""
    if data[:6] == b"\x93NUMPY":
        return scaled(np.load(io.BytesIO(data)), deep)
    image = Image.open(io.BytesIO(data))
    own = cv2.IMREAD_UNCHANGED if image.has_transparency_data else cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), own)
    alpha = None
    if pixels is not None and pixels.dtype != np.uint8:
        if pixels.ndim == 3 and pixels.shape[2] == 4:
            alpha = np.rint(pixels[..., 3] / 257)
        pixels = scaled(pixels if pixels.ndim == 2 else pixels[..., 2::-1], deep)
    elif image.has_transparency_data:
        rgba = np.asarray(ImageOps.exif_transpose(image).convert("RGBA"))
        pixels, alpha = rgba[..., :3], rgba[..., 3]
    else:
        return None
    if alpha is not None:
        a, background = np.int64(alpha)[..., np.newaxis], int(re.search(r"\+ (\d+) \* \(255 - a\)", transparent)[1])
        pixels = np.uint8((np.int64(pixels) * a + background * (255 - a) + 127) // 255)
    return np.ascontiguousarray(pixels)


def scaled(pixels, step):
    ranges = {name: (float(low), float(high)) for name, low, high in re.findall(r"(\w+) has (\S+) to (\S+), ", step)}
    low, high = ranges.get(pixels.dtype.name) or (0, np.iinfo(pixels.dtype).max)
    return np.uint8(np.rint((np.clip(pixels.astype(np.float64), low, high) - low) * (255 / (high - low))))


def resized(pixels, step):
    height, width = pixels.shape[:2]
    shorter = min(height, width)
    if match := re.search(r"round\(side \* (\d+)", step):
        height, width = (round(length * int(match[1]) / shorter) for length in (height, width))
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
    deep = draws.integers(1200, 1600, (90, 140, 4), dtype=np.uint16)
    deep[..., 3] *= 40
    for suffix in ("png", "tiff"):
        for channels in (1, 3, 4):
            name = f"16 bits in {channels} channels of {suffix}"
            yield name, cv2.imencode(f".{suffix}", deep[..., :channels].squeeze())[1].tobytes()
    yield "float", cv2.imencode(".tiff", draws.normal(1, 1, (300, 90)).astype(np.float32))[1].tobytes()
    yield "32 bits", cv2.imencode(".tiff", draws.integers(0, 2**31 - 1, (90, 90), dtype=np.int32))[1].tobytes()
    for pixels in (deep[..., 0], draws.normal(1, 1, (80, 90, 3)).astype(np.float32)):
        content = io.BytesIO()
        np.save(content, pixels)
        yield f"array of {pixels.dtype}", content.getvalue()
    hidden = np.dstack([picture, draws.integers(0, 256, picture.shape[:2], dtype=np.uint8)])
    for suffix in ("PNG", "WEBP", "TIFF"):
        content = io.BytesIO()
        Image.fromarray(hidden).save(content, suffix, **({"lossless": True} if suffix == "WEBP" else {}))
        yield f"transparent {suffix}", content.getvalue()
    content = io.BytesIO()
    Image.fromarray(hidden[..., 0]).save(content, "PNG", transparency=7)
    yield "a grey that is transparent", content.getvalue()


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
    paths = [root / name for name in files_of_kind(root, FILES)[:40]]
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
