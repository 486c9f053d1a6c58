"""Sounds: how files become waves, windows and spectrograms."""

import pickle

import numpy as np
import pytest
import soundfile
import torch
from scipy.signal import resample_poly
from tests.conftest import problem_of
from tests.modalities.sounds import RATE, tone, write_tones

from goldfold.competition import read_competition
from goldfold.config import Component, parse_config
from goldfold.errors import InputError
from goldfold.modalities.sound import learning, outside, reading
from goldfold.modalities.sound.alike import find_alike
from goldfold.modalities.sound.augmentation import NAMES, build_augmentation
from goldfold.modalities.sound.cache import Parts, SoundCache, write_sound_cache
from goldfold.modalities.sound.facts import row_facts
from goldfold.modalities.sound.learning import SoundView, spread_windows
from goldfold.modalities.sound.model import build_model, hide
from goldfold.modalities.sound.outside import OutsideSounds
from goldfold.modalities.sound.settings import SoundModelConfig, SoundPrepareConfig
from goldfold.modalities.sound.spectrogram import LogMel
from goldfold.prepare import prepare

SPEC = {
    "rate": RATE,
    "start": None,
    "end": None,
    "samples": 4000,
    "windows": 3,
    "join": "mean",
    "mels": 24,
    "frame": 0.032,
    "hop": 0.016,
    "lowest": 20.0,
    "highest": 4000.0,
}
NAN = float("nan")


def cached(folder, paths, starts=None, ends=None, **settings):
    parts = Parts([str(path) for path in paths], np.array(starts or [0.0] * len(paths)), np.array(ends or [NAN] * len(paths)))
    return write_sound_cache(folder / "cache", parts, SoundPrepareConfig(rate=RATE, **settings))


@pytest.fixture
def tones(tmp_path):
    """The waves of three files of 0.3, 0.8 and 2 s."""
    waves = [tone(500, seconds, seed) for seed, seconds in enumerate((0.3, 0.8, 2.0))]
    for number, wave in enumerate(waves):
        soundfile.write(tmp_path / f"{number}.wav", wave, RATE)
    return cached(tmp_path, [tmp_path / f"{number}.wav" for number in range(3)])[0]


def model_of(**settings):
    torch.manual_seed(0)
    return build_model(SoundModelConfig(name="test_resnet", **settings), {**SPEC, **settings}, problem_of(4), False).eval()


@pytest.mark.parametrize(("shipped", "rate"), [(44100, 16000), (8000, 16000), (48000, 8000), (11025, 16000), (16000, 44100)])
def test_a_sound_that_is_resampled_in_blocks_is_that_which_is_resampled_whole(monkeypatch, shipped, rate):
    monkeypatch.setattr(reading, "BLOCK_SECONDS", 0.4)
    wave = tone(300, 2.7, 0, shipped)
    parts = reading.resampled((wave[start : start + 999] for start in range(0, len(wave), 999)), shipped, rate)
    common = np.gcd(shipped, rate)
    assert np.array_equal(np.concatenate(list(parts)), resample_poly(wave, rate // common, shipped // common))


@pytest.mark.parametrize(("suffix", "tolerance"), [(".flac", 1e-3), (".ogg", 0.1), (".mp3", 0.1), (".aiff", 1e-3)])
def test_every_format_rate_and_number_of_channels_becomes_the_same_wave(tmp_path, suffix, tolerance):
    wave = tone(500, 0.8, 0, 16000)
    path = tmp_path / f"clip{suffix}"
    soundfile.write(path, np.stack([wave, 0.5 * wave], axis=1), 16000)
    sounds, _, bad = cached(tmp_path, [path])
    plain = resample_poly(0.75 * wave, 1, 2)
    heard = sounds[0][: len(plain)] / 32767
    assert not bad and abs(len(sounds[0]) - len(plain)) < 0.1 * RATE and sounds.index["channels"][0] == 2
    assert np.abs(heard - plain[: len(heard)]).max() < tolerance


def test_long_files_are_read_block_by_block_to_the_same_cache(tmp_path, monkeypatch):
    paths = [tmp_path / f"{row}.wav" for row in range(3)]
    for row, path in enumerate(paths):
        soundfile.write(path, tone(400, 1 + row, row, 11025), 11025)
    whole, digest, _ = cached(tmp_path, paths)
    kept = (tmp_path / "cache" / "sounds.i16").read_bytes()
    monkeypatch.setattr(reading, "MOST", 0)
    monkeypatch.setattr(reading, "BLOCK_SECONDS", 0.3)
    assert cached(tmp_path, paths)[1] == digest and (tmp_path / "cache" / "sounds.i16").read_bytes() == kept
    assert np.array_equal(pickle.loads(pickle.dumps(whole))[2], SoundCache.load(tmp_path / "cache")[2])


def test_rows_may_be_parts_of_one_file_and_are_told_where_they_are_not_in_it(tmp_path):
    soundfile.write(tmp_path / "day.wav", tone(500, 2, 0), RATE)
    paths = [tmp_path / "day.wav"] * 3
    sounds, _, _ = cached(tmp_path, paths, [0.0, 0.5, 1.5], [0.5, 1.25, NAN])
    assert sounds.lengths.tolist() == [4000, 6000, 4000]
    assert (tmp_path / "cache" / "sounds.i16").stat().st_size == 2 * 16000
    with pytest.raises(InputError, match=r"1 sounds cannot(?s:.*)it has 2\.00 s, none of it between 3 and 4 s(?s:.*)bad_sounds"):
        cached(tmp_path, paths, [0.0, 0.5, 3.0], [0.5, 1.25, 4.0])


def test_bad_sounds_are_told_together_and_may_be_silence(tmp_path):
    (tmp_path / "torn.wav").write_bytes(b"RIFF....WAVEnothing")
    (tmp_path / "text.mp3").write_text("no sound")
    soundfile.write(tmp_path / "fine.wav", tone(500, 0.5, 0), RATE)
    paths = [tmp_path / name for name in ("torn.wav", "text.mp3", "gone.wav", "fine.wav")]
    with pytest.raises(InputError, match=r"(?s)3 sounds cannot be decoded.*torn.wav.*text.mp3.*gone.wav: there is no such file"):
        cached(tmp_path, paths)
    sounds, _, bad = cached(tmp_path, paths, bad_sounds="blank")
    assert len(bad) == 3 and sounds.lengths.tolist() == [0, 0, 0, 4000] and sounds.index["file"].ne("").sum() == 1


def test_windows_cover_a_sound_evenly_and_silence_lies_around_a_short_one():
    wave = np.arange(1, 10_001, dtype=np.int16)
    windows = spread_windows(wave, 4000, 8)
    assert windows[:, 0].tolist() == [1, 3001, 6001] and windows[-1, -1] == 10_000
    assert spread_windows(wave, 4000, 2)[:, 0].tolist() == [1, 6001] and spread_windows(wave, 4000, 1)[0, 0] == 3001
    short = spread_windows(wave[:1000], 4000, 8)
    assert short.shape == (1, 4000) and short[0, 1500] == 1 and short[0, 2499] == 1000 and np.count_nonzero(short) == 1000


def test_training_draws_a_window_by_seed_epoch_and_row_alone(tones):
    transform = build_augmentation([Component(name=name, p=0.7) for name in NAMES])

    def drawn(seed, *keys):
        return SoundView(tones, SPEC, transform, seed, chance=True).__getitems__(keys)[1]

    both, alone = drawn(1, (0, 2), (0, 0)), drawn(1, (0, 0))
    assert both["sound"].shape == (2, 1, 4000) and both["sound"].dtype == torch.int16 and both["hidden"].shape == (2, 2, 4)
    assert torch.equal(both["sound"][1], alone["sound"][0]) and torch.equal(both["hidden"][1], alone["hidden"][0])
    assert not torch.equal(alone["sound"], drawn(1, (1, 0))["sound"]) and not torch.equal(
        alone["sound"], drawn(2, (0, 0))["sound"]
    )
    starts = {
        int(SoundView(tones, SPEC, None, 0, chance=True).__getitems__([(epoch, 2)])[1]["sound"][0, 0, 0]) for epoch in range(9)
    }
    assert len(starts) > 5


def test_the_plain_view_has_all_windows_and_outside_rows_have_the_same(tones, tmp_path):
    plain = learning.plain_sounds(tones, SPEC, samples=tones.lengths)
    rows, inputs = plain.__getitems__([(0, 0), (0, 2)])
    assert rows.tolist() == [0, 2] and inputs["sound"].shape == (2, 3, 4000) and not inputs["sound"][0, 1:].any()
    assert plain.lengths.tolist() == [1, 2, 3]
    contents = [tmp_path / "0.wav", (tmp_path / "1.wav").read_bytes(), tmp_path / "2.wav", b"no sound"]
    unreadable = {}
    shipped = OutsideSounds(contents, RATE, np.zeros(4), np.full(4, NAN), unreadable)
    assert shipped.lengths().tolist() == [*tones.lengths, 0]
    assert all(np.array_equal(shipped[row], tones[row]) for row in range(3)) and not len(shipped[3]) and list(unreadable) == [3]


def test_parts_of_a_file_from_outside_are_those_of_the_cache_and_decode_it_once(tones, tmp_path, monkeypatch):
    decoded = []
    monkeypatch.setattr(outside, "read_sound", lambda path, rate: decoded.append(path) or reading.read_sound(path, rate))
    paths, starts, ends = [tmp_path / f"{name}.wav" for name in (1, 2, 2, 2)], [0.0, 0.0, 0.5, 1.2], [NAN, 0.5, 1.2, NAN]
    parts = OutsideSounds(paths, RATE, np.array(starts), np.array(ends), {})
    sounds, _, _ = cached(tmp_path, paths, starts, ends)
    assert (
        all(np.array_equal(parts[row], sounds[row]) for row in range(4)) and parts.lengths().tolist() == sounds.lengths.tolist()
    )
    assert decoded == [tmp_path / "1.wav", tmp_path / "2.wav"]
    assert (
        "keep the samples from round(rate * begins) to the last, rate = 8000"
        in outside.describe({**SPEC, "start": "begins"})["steps"]
    )


def test_a_spectrogram_shows_a_tone_in_its_band_whatever_its_loudness():
    spectrogram = LogMel(RATE, 24, 0.032, 0.016, 20.0, 4000.0)
    wave = torch.from_numpy(np.rint(32767 * np.stack([tone(500, 0.5, 0), tone(2500, 0.5, 0)])).astype(np.int16))
    low, high = spectrogram(wave)
    assert low.shape == (24, spectrogram.frames(4000)) and low.mean(dim=1).argmax() < high.mean(dim=1).argmax()
    assert torch.allclose(spectrogram(wave.float() / 4)[0], low, atol=0.1)
    assert not spectrogram(torch.zeros(1, 4000, dtype=torch.int16)).isnan().any()
    # Even the narrowest of many bands holds a frequency.
    assert (LogMel(RATE, 128, 0.016, 0.01, 20.0, 4000.0).bands.sum(dim=0) > 0).all()


@pytest.mark.parametrize("settings", [{}, {"join": "max"}, {"pool": "attention"}, {"pool": "max"}])
def test_windows_of_silence_that_pad_a_batch_change_nothing(tones, settings):
    model, view = model_of(**settings), learning.plain_sounds(tones, SPEC, samples=tones.lengths)
    with torch.inference_mode():
        together = model(view.__getitems__([(0, 0), (0, 1), (0, 2)])[1]["sound"])
        alone = torch.cat([model(view.__getitems__([(0, row)])[1]["sound"]) for row in range(3)])
    assert torch.allclose(together, alone, atol=1e-5) and together.shape == (3, 4)


def test_rectangles_hide_their_share_of_a_spectrogram():
    hidden = hide(torch.ones(1, 1, 10, 20), torch.tensor([[[0.0, 0.2, 0.0, 1.0], [0.0, 1.0, 0.5, 0.6], [0.0, 1.0, 0.0, 0.0]]]))
    assert hidden[0, 0, :2].sum() == 0 and hidden[0, 0, :, 10:12].sum() == 0 and hidden.sum() == 8 * 18


@pytest.mark.parametrize("name", NAMES)
def test_a_transform_applies_to_its_share_and_keeps_the_length(name):
    wave = np.rint(32767 * tone(500, 0.5, 0))
    never, always = (build_augmentation([Component(name=name, p=p)]) for p in (0, 1))
    assert np.array_equal(never(wave, np.random.default_rng(0))[0], wave)
    changed, hidden = always(wave, np.random.default_rng(1))
    assert changed.shape == wave.shape and changed.dtype == np.float32
    assert hidden.any() if name == "SpecAugment" else not np.array_equal(changed, wave)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"augment": [{"name": "Spede"}]}, "Spede does not apply"),
        ({"train": {"mix": [{"name": "CutMix"}]}}, "CutMix does not mix"),
        ({"model": {"name": "resnet18", "estimator": "linear"}}, "pretrained: true"),
        ({"model": {"name": "resnet18", "views": 3}}, "views are what an estimator is fitted to"),
        ({"model": {"name": "resnet18", "lowest": 500, "highest": 100}}, "above lowest"),
        ({"model": {"name": "own.net:Net", "pool": "max"}}, "whole network"),
    ],
)
def test_settings_that_contradict_are_refused(section, message):
    with pytest.raises(InputError, match=message):
        parse_config({"competition": {"path": "x", "modality": "sound"}, "model": {"name": "resnet18"}, **section})


@pytest.mark.parametrize(("arguments", "message"), [({"lowest": 0.9}, "Speed has no lowest"), ({"p": 2}, "p is the share")])
def test_arguments_of_a_transform_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        build_augmentation([Component(name="Speed", **arguments)])


def test_the_audit_hears_duplicates_and_what_is_wrong(tmp_path):
    root = write_tones(tmp_path / "tones")
    wave, audio = tone(700, 0.5, 99), root / "audio"
    soundfile.write(audio / "s000.wav", wave, RATE)
    soundfile.write(audio / "s002.wav", wave, RATE)
    soundfile.write(audio / "s004.wav", np.concatenate([np.zeros(400, np.float32), 0.5 * wave]), RATE)
    soundfile.write(audio / "s006.wav", np.zeros(3000, np.float32), RATE)
    soundfile.write(audio / "s008.wav", np.clip(20 * wave, -1, 1), RATE)
    soundfile.write(audio / "s010.wav", tone(500, 0.05, 0, 16000), 16000)
    (audio / "s012.wav").unlink()
    soundfile.write(audio / "s012.mp3", tone(500, 2.0, 0, 16000), 16000)
    whole = (audio / "s012.mp3").read_bytes()
    (audio / "s012.mp3").write_bytes(whole[: len(whole) // 2])
    (audio / "s014.wav").write_bytes(b"")
    sections = {"model": {"name": "resnet18"}, "prepare": {"rate": RATE, "bad_sounds": "drop"}}
    config = parse_config({"competition": {"path": str(root), "modality": "sound"}, **sections})
    competition = read_competition(config.competition, config.prepare)
    prepared, summary = prepare(competition, config.split, config.prepare, tmp_path / "prepared")
    pairs = find_alike(competition, config.prepare, prepared.folder)
    how = {(first, second): kind for first, second, kind in pairs[["first", "second", "how"]].itertuples(index=False)}
    assert how[(0, 2)] == "exact" and how[(0, 4)] == "near" and (1, 3) not in how
    wrong = dict(row_facts(competition, prepared.folder).wrong)
    assert set(wrong) == {"silent sounds", "clipped sounds", "short sounds", "cut sounds", "rates"}
    assert "s006.wav" in wrong["silent sounds"] and wrong["cut sounds"].startswith("1 of") and "s012.mp3" in wrong["cut sounds"]
    assert ("1 training rows", "their sound is missing or bad") in [(one["value"], one["why"]) for one in summary["decided"]]
    assert "sounds of 0.05 to 1.30 s at 8000 Hz" in summary["inputs"]
