"""What strangers hand us: nothing in a checkpoint, an image or an archive runs code or takes the machine down."""

import builtins
import bz2
import functools
import gzip
import io
import json
import lzma
import operator
import os
import resource
import shutil
import struct
import subprocess
import sys
import warnings
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.testing
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skops.io import dumps

from goldfold.bundle.notebooks import notebook
from goldfold.competition import read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import CompetitionConfig, SplitConfig
from goldfold.errors import InputError
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import PreparedRows
from goldfold.init.files import unpack_download
from goldfold.modalities.image.decoding import decode
from goldfold.modalities.image.settings import ImagePrepareConfig
from goldfold.prepare import PreparedSet, prepare
from goldfold.tables import read_text_table
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


@pytest.fixture
def shipped(tmp_path):
    """A competition's folder with a few images, and how it is read."""
    root = tmp_path / "raw"
    write_digits(root, tmp_path / "solution.csv")
    for table, count in (("train", 60), ("test", 10), ("sample_submission", 10)):
        pd.read_csv(root / f"{table}.csv", dtype=str)[:count].to_csv(root / f"{table}.csv", index=False)

    def read(**settings):
        competition = read_competition(CompetitionConfig(path=str(root), **settings))
        return prepare(competition, SplitConfig(n_folds=2, folds=(0, 1)), ImagePrepareConfig(), tmp_path / "prepared")

    return root, read


def test_links_out_of_a_competition_are_refused_unless_allowed(shipped, tmp_path):
    root, read = shipped
    first = pd.read_csv(root / "train.csv", dtype=str)["id"][0]
    image = root / f"images/{first}.png"
    image.rename(tmp_path / "elsewhere.png")
    image.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(InputError, match=r"holds links out of it: 1\n.*elsewhere.png(?s:.*)competition.links: true"):
        read()
    read(links=True)
    image.unlink()
    (root / "kept.png").write_bytes((tmp_path / "elsewhere.png").read_bytes())
    image.symlink_to("../kept.png")
    read()
    image.unlink()
    image.symlink_to("/dev/zero")
    with pytest.raises(InputError, match="links out of it"):
        read()
    with pytest.raises(InputError, match="no files"):
        read(links=True)


@pytest.mark.parametrize("links", [False, True])
def test_links_in_a_circle_are_refused(shipped, links):
    root, read = shipped
    (root / "one").mkdir()
    (root / "two").mkdir()
    (root / "one/to").symlink_to("../two")
    (root / "two/to").symlink_to("../one")
    with pytest.raises(InputError, match="leads back to itself"):
        read(links=links)
    (root / "two/to").unlink()
    (root / "up").symlink_to(".")
    with pytest.raises(InputError, match="leads back to itself"):
        read(links=links)
    (root / "up").unlink()
    (root / "round").symlink_to("round")
    with pytest.raises(InputError, match="no files"):
        read(links=links)


def test_pipes_and_names_that_are_no_utf8_are_refused(shipped):
    root, read = shipped
    os.mkfifo(root / "images/pipe.png")
    with pytest.raises(InputError, match=r"holds no files: 1\n.*pipe.png"):
        read()
    (root / "images/pipe.png").unlink()
    Path(os.fsdecode(os.fsencode(root) + b"/images/\xff.png")).write_bytes(b"")
    with pytest.raises(InputError, match=r"names that are no UTF-8: 1\n.*xff"):
        read()


def png(width, height):
    """A small file that unpacks to so many pixels."""
    line = zlib.compress(bytes(width * 3 + 1), 9)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", line) + chunk(b"IEND", b"")


def npy(shape):
    """A small file that says it holds an array of this shape."""
    header = str({"descr": "|u1", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(100)


HOSTILE = {
    "a png of ten thousand million pixels": (png(100_000, 100_000), "million pixels"),
    "an array of a terabyte": (npy((10**6, 10**6)), "cut short"),
    "an array of negative length": (npy((-1, 8)), "cannot be read|cut short|dimensions"),
    "an array that is a pickle": (
        b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
        "cannot be read",
    ),
    "half a png": (png(8, 8)[:40], "neither OpenCV nor Pillow"),
    "a header alone": (b"\xff\xd8\xff", "cut short"),
    "nothing": (b"", "empty"),
    "noise": (bytes(range(256)) * 4, "neither OpenCV nor Pillow"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_image_is_refused_by_its_header(name):
    data, message = HOSTILE[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message):
        decode(data, 3, 256)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    """A zip file of names and contents."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", compression) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def link(name, target):
    """A member that is a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return info, target


TABLE = b"id,label\n" + b"".join(b"%d,a\n" % row for row in range(50))
WHOLE = zipped(("train.csv", TABLE))
ARCHIVES = {
    "a damaged member": zipped(("train.csv", TABLE)).replace(b"\n", b"x", 1)[:60]
    + bytes(40)
    + zipped(("train.csv", TABLE))[100:],
    "cut short": WHOLE[:-30],
    "a password": zipped(("train.csv", TABLE))
    .replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01")
    .replace(b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"),
    "an unknown compression": WHOLE.replace(b"\x00\x00\x08\x00", b"\x00\x00\x5d\x00"),
    "a file that is a folder too": zipped(("a", b"x"), ("a/train.csv", TABLE)),
    "an over-long name": zipped(("a" * 300 + ".csv", TABLE), ("b.csv", TABLE)),
    "an over-long path": zipped(("/".join(["a" * 200] * 30) + ".csv", TABLE), ("b.csv", TABLE)),
    "a link and a file in it": zipped(link("out", "/tmp"), ("out/train.csv", TABLE)),
    "a bomb": zipped(("train.csv", bytes(300 * 2**20)), ("b.csv", TABLE)),
    "no archive": b"not a zip",
    "nothing": b"",
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_a_hostile_archive_is_one_message_at_init(tmp_path, name):
    path = tmp_path / "mine.zip"
    path.write_bytes(ARCHIVES[name])
    with pytest.raises(InputError, match="mine"):
        unpack_download(path, tmp_path / "unpacked", keep=True)
    assert not list(tmp_path.glob("*unpacked*"))


def test_what_leads_out_of_an_archive_stays_in_it(tmp_path):
    (tmp_path / "mine.zip").write_bytes(zipped(("../../out.csv", TABLE), ("/abs.csv", TABLE), ("train.csv", TABLE)))
    unpack_download(tmp_path / "mine.zip", tmp_path / "raw/unpacked", keep=True)
    assert not (tmp_path / "out.csv").exists() and not Path("/abs.csv").exists()


PACKED = {
    **{
        name: content
        for name, content in ARCHIVES.items()
        if name not in ("a file that is a folder too", "no archive", "nothing")
    },
    "two tables in one": zipped(("a.csv", TABLE), ("b.csv", TABLE)),
    "a bomb in gzip": gzip.compress(bytes(300 * 2**20)),
    "a bomb in gzip in gzip": gzip.compress(gzip.compress(bytes(300 * 2**20))),
    "half a gzip": gzip.compress(TABLE)[:30],
    "half an xz": lzma.compress(TABLE)[:40],
    "half a bz2": bz2.compress(TABLE)[:40],
    "a damaged gzip": gzip.compress(TABLE)[:30] + b"xxxx" + gzip.compress(TABLE)[34:],
    "half a zst": b"\x28\xb5\x2f\xfd" + bytes(20),
}


@pytest.mark.parametrize("name", PACKED)
def test_a_hostile_archive_is_one_message_where_it_is_a_table(tmp_path, name):
    path = tmp_path / "train.csv.zip"
    path.write_bytes(PACKED[name])
    with pytest.raises(InputError, match=r"train.csv.zip"):
        read_text_table(path)
