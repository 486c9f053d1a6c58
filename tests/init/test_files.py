"""Where the files come from, and what is in them."""

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from goldfold.errors import InputError
from goldfold.init.files import find_files, missing, slug_of, unpack_beside, unpack_download


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def packed(files):
    buffer = io.BytesIO()
    write_zip(buffer, files)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("source", "slug"),
    [
        ("titanic", "titanic"),
        ("playground-series-s3e18", "playground-series-s3e18"),
        ("https://www.kaggle.com/competitions/titanic/data?select=a", "titanic"),
        ("https://www.kaggle.com/c/titanic", "titanic"),
        ("data/raw/titanic", None),
        ("../titanic", None),
        ("Titanic.csv", None),
        ("my titanic", None),
    ],
)
def test_a_slug_is_a_name_or_an_address_but_no_path(source, slug):
    assert slug_of(source) == slug


def test_what_kaggle_sends_is_unpacked_with_the_archives_in_it(tmp_path):
    images = {"cat.1.jpg": b"1", "dog.1.jpg": b"2", "__MACOSX/._cat.1.jpg": b"x", ".DS_Store": b"x"}
    files = {
        "train.zip": packed({f"train/{name}": content for name, content in images.items()}),
        "test1.zip": packed({"1.jpg": b"3"}),
        "sub/labels.csv.zip": packed({"labels.csv": b"id,y\n"}),
        "sample.csv": b"id,label\n",
    }
    write_zip(tmp_path / "pets.zip", files)
    unpack_download(tmp_path / "pets.zip", tmp_path / "raw/pets")
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert names == [
        "raw/pets/sample.csv",
        "raw/pets/sub/labels.csv.zip",
        "raw/pets/test1/1.jpg",
        "raw/pets/train/cat.1.jpg",
        "raw/pets/train/dog.1.jpg",
    ]


def test_a_broken_download_leaves_nothing_behind(tmp_path):
    write_zip(tmp_path / "pets.zip", {"train.zip": b"broken", "a.csv": b"id\n"})
    with pytest.raises(InputError, match=r"train.zip is damaged, or not whole: File is not a zip file"):
        unpack_download(tmp_path / "pets.zip", tmp_path / "raw/pets")
    assert not list((tmp_path / "raw").iterdir())


def test_archives_of_ones_own_are_unpacked_once_and_kept(tmp_path):
    write_zip(tmp_path / "train.zip", {"a.jpg": b"1", "b.jpg": b"2"})
    assert unpack_beside(tmp_path) == ["unpacked train.zip, which you may delete now"]
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["a.jpg", "b.jpg"]
    assert unpack_beside(tmp_path) == [] and (tmp_path / "train.zip").is_file()


def test_tables_images_and_others_are_told_apart(tmp_path):
    for name in ("train.csv", "train.csv.zip", "more/labels.tsv", "a/b/c/d/deep.csv", "images/1.PNG", "clip.avi", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    files = find_files(tmp_path)
    assert [str(path) for path in files.tables] == ["train.csv", "more/labels.tsv"]
    assert {kind.name: [str(path) for path in found] for kind, found in files.of_rows.items()} == {"image": ["images/1.PNG"]}
    assert dict(files.others) == {".avi": 1}


def test_a_folder_without_tables_and_images_is_told_with_what_it_has(tmp_path):
    with pytest.raises(InputError, match=r"(?s)no tables.*it is empty"):
        find_files(tmp_path)
    (tmp_path / "clip.avi").write_text("x")
    with pytest.raises(InputError, match=r"(?s)no tables.*1 files .avi.*kinds-of-input"):
        find_files(tmp_path)


def test_a_folder_of_links_is_read_where_links_are_allowed(tmp_path):
    (tmp_path / "input").mkdir()
    write_zip(tmp_path / "input/train.zip", {"1.png": b"1"})
    (tmp_path / "input/labels.csv").write_text("id\n1\n")
    subprocess.run(["cp", "-rs", tmp_path / "input", tmp_path / "links"], check=True)
    assert unpack_beside(tmp_path / "links") == ["unpacked train.zip, which you may delete now"]
    with pytest.raises(InputError, match="links out of it: 2"):
        find_files(tmp_path / "links")
    files = find_files(tmp_path / "links", links=True)
    assert files.tables == (Path("labels.csv"),) and list(map(len, files.of_rows.values())) == [1]
    assert sorted(path.name for path in (tmp_path / "input").iterdir()) == ["labels.csv", "train.zip"]


def test_a_misspelt_path_names_what_is_there(tmp_path, monkeypatch):
    (tmp_path / "data/raw/titanic").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "there is no data/raw/titanc; did you mean titanic?" in str(missing("data/raw/titanc"))
    assert "there is no dat/raw/titanic; did you mean data?" in str(missing("dat/raw/titanic"))
