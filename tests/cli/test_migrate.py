"""A params.yaml of an older goldfold is taken along; those in older/ are of the commits that they are called after."""

import json
from difflib import unified_diff
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from goldfold.cli.main import run_command
from goldfold.config import load_config, parse_config
from goldfold.config.older import CHANGES, Spelling, taken_along
from goldfold.errors import InputError

OLDER = Path(__file__).parent / "older"
NOW = "competition: {path: data/raw/x}\nmodel: {name: test_resnet}\n"
AVERAGE = ("  average: arithmetic # or geometric", "  average: predictions # or geometric")


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def migrated(text):
    Path("params.yaml").write_text(text)
    run_command(["migrate"])
    return Path("params.yaml").read_text()


def changed_lines(before, after):
    """The lines that went, and those that came."""
    lines = [line for line in unified_diff(before.splitlines(), after.splitlines(), n=0) if line[:3] not in ("---", "+++")]
    return tuple([line[1:] for line in lines if line[0] == sign] for sign in "-+")


@pytest.mark.parametrize(
    ("commit", "changes"),
    [
        ("084e8fb", [("  seed: 0", "  seeds: [0]"), AVERAGE]),
        ("f2650d1", [AVERAGE]),
        ("da04682", [AVERAGE]),
    ],
)
def test_an_older_file_is_refused_with_the_command_and_taken_along_to_the_character(desk, capsys, commit, changes):
    text = (OLDER / f"{commit}.yaml").read_text()
    (desk / "params.yaml").write_text(text)
    with pytest.raises(InputError, match="goldfold migrate"):
        run_command(["check"])
    made = migrated(text)
    gone, came = changed_lines(text, made)
    assert len(gone) == len(came) == len(changes)
    for (old, new), before, after in zip(changes, gone, came, strict=True):
        assert before.startswith(old) and after == before.replace(old, new)
    assert load_config().train.seeds == (0,) and load_config().predict.average == "predictions"
    told = capsys.readouterr().out
    assert "predict.average: arithmetic is now predict.average: predictions (since 2026-11-21)" in told
    assert "yours to decide:\n  prepare.duplicates is left out" in told
    run_command(["migrate"])
    assert Path("params.yaml").read_text() == made and "nothing to change" in capsys.readouterr().out


def test_a_dry_run_says_the_same_and_writes_nothing(desk, capsys):
    text = (OLDER / "084e8fb.yaml").read_text()
    (desk / "params.yaml").write_text(text)
    run_command(["migrate", "--dry-run", "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (desk / "params.yaml").read_text() == text and not found["written"]
    assert found["files"][0]["changed"][0] == "train.seed: 0 is now train.seeds: [0] (since 2026-11-21)"


def test_a_key_that_moved_takes_its_comment_to_the_other_section(desk):
    text = (OLDER / "084e8fb.yaml").read_text()
    text = text.replace("pretrained: false", "pretrained: true")
    text = text.replace("model:\n", "model:\n  freeze_batch_norm: true # little data\n")
    made = migrated(text)
    assert made.endswith("\n\nfinetune:\n  freeze_batch_norm: true # little data\n")
    assert "model:\n  name: test_resnet # any timm backbone" in made and load_config().finetune.freeze_batch_norm
    section = text.replace("train:\n", "finetune: # mine\n  head_epochs: 2 # two\n\ntrain:\n")
    assert "  head_epochs: 2 # two\n  freeze_batch_norm: true # little data\n\ntrain:\n" in migrated(section)


def test_files_in_any_style_come_to_the_right_values(desk):
    for text in (
        f"{NOW}train: {{seed: 3, lr: 0.1}} # mine\npredict: {{average: geometric}}\n",
        f"{NOW}train: {{lr: 0.1, 'seed': &three 3}} # mine\nsplit: {{seed: *three}}\npredict:\n  'average':   geometric\n",
        "model: {name: test_resnet, freeze_batch_norm: false}\ncompetition: {path: x}\ntrain: {lr: 0.1, seed: 3}\n"
        "predict: {average: geometric}\n",
    ):
        migrated(text)
        config = load_config()
        assert (config.train.seeds, config.train.lr, config.predict.average) == ((3,), 0.1, "logits"), text


@pytest.mark.parametrize(
    ("task", "average", "asks"), [("regression", "predictions", 0), ("binary", "logits", 0), (None, "logits", 1)]
)
def test_a_geometric_mean_is_of_logits_but_for_a_regression_and_asked_where_the_task_is_open(task, average, asks):
    competition = {"path": "x", **({"task": task} if task else {})}
    along = taken_along({"competition": competition, "predict": {"average": "geometric"}}, "params.yaml")
    assert along.tree["predict"] == {"average": average}
    assert sum("logits is for classes" in line for line in along.left) == asks


def test_a_file_has_met_no_change_that_came_after_its_spelling(desk, capsys):
    migrated(f"{NOW}predict: {{average: arithmetic, tta: [HorizontalFlip]}}\n")
    assert "predict.tta" not in capsys.readouterr().out
    migrated(f"{NOW}train: {{seed: 1}}\npredict: {{tta: [HorizontalFlip]}}\n")
    assert "predict.tta changes the out-of-fold rows too" in capsys.readouterr().out


def test_a_file_of_now_is_told_nothing_and_keeps_its_time(desk, capsys):
    before = (desk / "params.yaml").write_text(NOW) and (desk / "params.yaml").stat().st_mtime_ns
    run_command(["migrate"])
    assert "yours to decide" not in capsys.readouterr().out and (desk / "params.yaml").stat().st_mtime_ns == before


@pytest.mark.parametrize("settings", ["train: {seed: 1, tempo: 3}", "tempo: {beats: 4}"])
def test_a_newer_file_is_refused_by_one_message_and_stays(desk, settings):
    (desk / "params.yaml").write_text(f"{NOW}{settings}\n")
    with pytest.raises(InputError, match=r"tempo: there is no such key(.|\n)*git pull"):
        run_command(["migrate"])
    assert (desk / "params.yaml").read_text() == f"{NOW}{settings}\n"


def test_both_spellings_at_once_are_a_question(desk):
    with pytest.raises(InputError, match=r"both train.seed and train.seeds(.|\n)*delete the line of train.seed"):
        migrated(f"{NOW}train: {{seed: 1, seeds: [2]}}\n")


def test_recipes_are_taken_along_and_nothing_is_asked_of_them(desk, capsys):
    recipes = desk / "experiments/recipes"
    recipes.mkdir(parents=True)
    (recipes / "mine.yaml").write_text("# another seed\ntrain:\n  seed: 4 # four\n")
    (recipes / "new.yaml").write_text("train: {lr: 1}\n")
    migrated(NOW)
    assert (recipes / "mine.yaml").read_text() == "# another seed\ntrain:\n  seeds: [4] # four\n"
    told = capsys.readouterr().out
    assert "mine.yaml:\n  train.seed: 4" in told and "new.yaml" not in told and "yours" not in told


def test_a_prepared_set_of_another_version_is_told(desk, digits, capsys):
    from goldfold.prepare import PreparedSet

    prepared = desk / "data/prepared"
    prepared.mkdir(parents=True)
    for path in digits.folder.glob("*.parquet"):
        (prepared / path.name).write_bytes(path.read_bytes())
    card = json.loads((digits.folder / "prepared.json").read_text())
    (prepared / "prepared.json").write_text(json.dumps(card))
    migrated(NOW)
    assert "dvc repro" not in capsys.readouterr().out
    # Before 2026-11-27 there was no schema.
    (prepared / "prepared.json").write_text(json.dumps({key: value for key, value in card.items() if key != "schema"}))
    migrated(NOW)
    assert "data/prepared is of another version, or damaged: `dvc repro` makes it again" in capsys.readouterr().out
    with pytest.raises(InputError, match="another version of goldfold"):
        PreparedSet.load(prepared)


def test_each_older_spelling_is_one_that_this_version_refuses():
    """Else a file of now would be taken for an older one."""
    values = {"model.freeze_batch_norm": True, "train.seed": 1, "predict.average": "arithmetic"}
    assert {change.old for change in CHANGES if isinstance(change, Spelling)} == set(values)
    for key, value in values.items():
        section, name = key.split(".")
        tree = YAML(typ="safe").load(NOW)
        with pytest.raises(InputError, match=key):
            parse_config({**tree, section: {**tree.get(section, {}), name: value}})
