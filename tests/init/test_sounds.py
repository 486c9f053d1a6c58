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
