import pytest

from goldfold.files import folder_written_whole, read_json, write_json, written_whole


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, 1)
    with pytest.raises(RuntimeError), written_whole(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert read_json(path) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_number_that_is_none_is_refused_before_the_file_is_touched(tmp_path):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "a.json", float("nan"))
    assert read_json(tmp_path / "a.json") == 1


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "f"
    with folder_written_whole(folder) as draft:
        (draft / "old").touch()
    with pytest.raises(RuntimeError), folder_written_whole(folder) as draft:
        (draft / "new").touch()
        raise RuntimeError
    assert [path.name for path in folder.iterdir()] == ["old"]
    with folder_written_whole(folder) as draft:
        (draft / "new").touch()
    assert [path.name for path in folder.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
