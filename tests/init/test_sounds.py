"""Competitions of recordings are seen as such, however they are laid out."""

import pandas as pd
import pytest
import soundfile
from tests.modalities.sounds import tone, write_tones

from goldfold.config import parse_config
from goldfold.config.recipe import with_values
from goldfold.init import propose


def proposed(root, **overrides):
    settings = propose(root, str(root), overrides).settings
    tree = dict(with_values({}, {one.key: one.value for one in settings if not one.is_remark}))
    return parse_config(tree), {one.key: one.why for one in settings if not one.is_remark}


def write(root, names, rate=16000, seconds=0.4):
    for seed, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, tone(500, seconds, seed, rate), rate)


def test_a_speaker_whom_training_lacks_is_a_group_and_no_input(tmp_path):
    config, whys = proposed(write_tones(tmp_path / "tones"))
    assert config.competition.modality == "sound" and "speaker, whose it is, is no input" in whys["competition.modality"]
    assert (config.split.strategy, config.split.group, config.split.n_folds) == ("stratified_group", "speaker", 4)
    assert "100% of the test rows are of one that training lacks" in whys["split.group"] or "has others" in whys["split.group"]


def test_other_columns_are_read_beside_the_sound_and_the_speaker_is_not(tmp_path):
    root = write_tones(tmp_path / "tones")
    for name in ("train", "test"):
        table = pd.read_csv(root / f"{name}.csv")
        table.assign(age=[30 + row % 40 for row in range(len(table))]).to_csv(root / f"{name}.csv", index=False)
    config, _ = proposed(root)
    assert config.competition.modality == "sound+table" and config.split.group == "speaker"
    assert config.prepare.model_dump()["table"]["columns"] == {"speaker": "drop"}


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        ([f"{label}/{row}.flac" for label in ("no", "yes") for row in range(8)], None),
        ([f"train/{label}-{row}.wav" for label in ("no", "yes") for row in range(8)], "(?P<label>"),
    ],
)
def test_labels_may_be_folders_or_begin_the_names_of_files(tmp_path, names, labels):
    root = tmp_path / "commands"
    write(root, names)
    config, _ = proposed(root)
    assert config.competition.modality == "sound" and config.competition.task == "binary" and config.prepare.rate == 16000
    assert (config.competition.file_pattern or "").startswith(labels or "")
    assert config.model.seconds == 0.5 and config.model.mels == 64


def test_a_column_of_paths_is_where_the_sounds_are(tmp_path):
    root = tmp_path / "birds"
    write(root, [f"clips/x{row}.ogg" for row in range(20)], seconds=7.0)
    table = pd.DataFrame({"row": range(20), "clip": [f"x{row}.ogg" for row in range(20)], "bird": ["owl", "wren"] * 10})
    table[:16].to_csv(root / "train.csv", index=False)
    table[16:].drop(columns="bird").to_csv(root / "test.csv", index=False)
    config, _ = proposed(root)
    assert config.competition.modality == "sound" and config.competition.sounds == "{clip}" and config.model.seconds == 5.0


def parts(root, rows=6, **times):
    """Recordings of 3 s, each cut into rows by columns of times; the last third of the recordings is the test set."""
    write(root, [f"rec{file}.wav" for file in range(9)], seconds=3.0)
    begins = [0.5 * row for _ in range(9) for row in range(rows)]
    columns = {name: [time(begin) for begin in begins] for name, time in times.items()}
    recordings = [f"rec{file}.wav" for file in range(9) for _ in range(rows)]
    table = pd.DataFrame({"id": [f"s{row}" for row in range(9 * rows)], "file": recordings, **columns})
    table[: 6 * rows].assign(bird=["owl", "wren", "wren"] * (2 * rows)).to_csv(root / "train.csv", index=False)
    table[6 * rows :].to_csv(root / "test.csv", index=False)


@pytest.mark.parametrize(
    "names", [("start", "end"), ("Begin Time (s)", "End Time (s)"), ("t_min", "t_max"), ("startSec", "endSec")]
)
def test_rows_that_are_parts_of_one_file_are_cut_out_of_it_and_stay_in_one_fold(tmp_path, names):
    parts(tmp_path / "birds", **{names[0]: float, names[1]: lambda begin: begin + 0.4})
    config, whys = proposed(tmp_path / "birds")
    assert (config.competition.modality, config.competition.sounds) == ("sound", "{file}")
    assert (config.prepare.start, config.prepare.end, config.model.seconds) == (*names, 0.5)
    assert (config.split.strategy, config.split.group) == ("stratified_group", "file")
    assert f"{names[0]}, where it begins, is no input" in whys["competition.modality"]


def test_the_times_of_parts_are_no_columns_of_a_table_beside_them(tmp_path):
    parts(tmp_path / "birds", start=float, end=lambda begin: begin + 0.4, height=lambda begin: round(begin * 7) % 5 / 3)
    config, _ = proposed(tmp_path / "birds")
    prepare = config.prepare.model_dump()
    assert config.competition.modality == "sound+table" and (prepare["sound"]["start"], prepare["sound"]["end"]) == (
        "start",
        "end",
    )
    assert prepare["table"]["columns"] == {"file": "drop", "start": "drop", "end": "drop"}


def test_times_that_are_no_seconds_in_the_files_are_told_and_cut_nothing(tmp_path):
    parts(tmp_path / "birds", start=lambda begin: 1000 * begin, end=lambda begin: 1000 * begin + 400)
    settings = propose(tmp_path / "birds", "birds", {}).settings
    assert not any("start" in str(one.value) for one in settings if one.key == "prepare.sound")
    assert any(one.is_remark and "45 rows hear the same file as another, whole" in one.why for one in settings)


def test_the_rate_is_one_that_half_of_the_files_have(tmp_path):
    for rate, count in ((8000, 4), (16000, 3), (22050, 3)):
        write(tmp_path / "calls", [f"{label}/{rate}_{row}.wav" for label in ("no", "yes") for row in range(count)], rate=rate)
    config, whys = proposed(tmp_path / "calls")
    assert config.prepare.rate == 16000 and "8000 to 22050" in whys["prepare.rate"]
