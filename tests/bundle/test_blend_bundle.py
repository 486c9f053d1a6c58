"""A blend as one bundle: members cheapest first, a submission after each, commands of members made elsewhere."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.cli.test_json import documented
from tests.conftest import TINY, build_repository

from goldfold.blending.linear import Linear
from goldfold.bundle import predict_bundle
from goldfold.bundle.blend import BlendBundle
from goldfold.bundle.pace import Pace
from goldfold.bundle.packing import CARD, Packing
from goldfold.bundle.rerun import load_bundle
from goldfold.bundle.sharing import share_tensors
from goldfold.cli.main import run_command
from goldfold.config import load_config
from goldfold.errors import InputError
from goldfold.files import write_json
from goldfold.runs.run import find_run
from goldfold.tracking.record import Record
from goldfold.tracking.store import Store

PREDICT = """
import sys
from pathlib import Path
import pandas as pd
data, out = map(Path, sys.argv[1:])
slope = float(Path("slope.txt").read_text())
test = pd.read_csv(data / "test.csv")
odds = slope * test["x1"]
pd.DataFrame({"id": test["id"], "p_yes": 1 / (1 + 2.718281828459045 ** -odds)}).to_csv(out, index=False)
"""
COMMAND = f"{sys.executable} predict.py {{data}} {{out}}"


def imported(name, slope, code=None, coded=None):
    """Import predictions by one column, with the code that makes them where it is given a folder."""
    for kind, file in (("oof", "train"), ("pred", "test")):
        table = pd.read_csv(f"data/raw/tiny/{file}.csv")
        table.assign(p_yes=1 / (1 + np.exp(-slope * table["x1"])))[["id", "p_yes"]].to_csv(f"{kind}_{name}.csv", index=False)
    more = []
    if code:
        code.mkdir()
        (code / "predict.py").write_text(PREDICT)
        (code / "slope.txt").write_text(str(coded or slope))
        more = ["--command", COMMAND, "--code", str(code)]
    run_command(["import", name, "--oof", f"oof_{name}.csv", "--test", f"pred_{name}.csv", "--force", *more])


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A repository with a run of its own, a member with code, one without, and a blend of the three."""
    root = build_repository(tmp_path_factory.mktemp("blend") / "repository", TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        _keep_checkpoints(root)
        imported("coded", 1.5, root / "code")
        imported("bare", 0.6)
        run_command(["blend", "mine", "coded", "bare", "--method", "ridge", "--name", "all"])
        run_command(["blend", "mine", "coded", "--method", "ridge", "--name", "two"])
        run_command(["bundle", "all", "--out", "bundle"])
    return root


def _keep_checkpoints(root):
    """The checkpoints of the run `mine`, as the predict stage logs them."""
    folds = root / "experiments/current/folds"
    write_json(root / "params.json", load_config().model_dump(mode="json", by_alias=True))
    files = {str(path): f"folds/{path.parent.relative_to(folds)}" for path in folds.glob("*/*/*") if path.name[0] != "."}
    Store(root).deliver(Record("tiny", "mine", "mine", artifacts={str(root / "params.json"): "folds", **files}))


@pytest.fixture
def inside(root, monkeypatch):
    monkeypatch.chdir(root)
    return root


@pytest.mark.slow
def test_a_member_that_cannot_predict_is_left_out_and_the_rest_is_fitted_again(inside, capsys):
    run_command(["bundle", "all", "--out", "bundle", "--json"])
    found, said = capsys.readouterr()
    assert set(json.loads(found)) == {"goldfold_json", "command", "exit_code"} | documented("bundle")
    assert "LEFT OUT    bare" in said and "costs       accuracy" in said and "2 members; its notebook is predict.ipynb" in said
    predict_bundle(Path("bundle"), Path("data/raw/tiny"), Path("answer.csv"))
    assert "1 of 2 members" in (said := capsys.readouterr().out) and "passed the contract" in said
    assert Path("answer.csv").read_bytes() == Path("experiments/blends/two/submission/submission.csv").read_bytes()
    values = json.loads(Path("bundle", CARD).read_text())
    weights = json.loads(Path("experiments/blends/two/blend.json").read_text())["linear"]["weights"]
    assert values["plans"][1]["linear"]["weights"] == pytest.approx(weights)


@pytest.mark.slow
def test_a_submission_stands_after_each_member_whatever_becomes_of_the_next(inside, capsys, monkeypatch):
    broken = Path("broken")
    shutil.copytree("bundle", broken, dirs_exist_ok=True)
    card = json.loads((broken / CARD).read_text())
    last = card["members"][-1]
    # The member that runs a command comes last, and its command fails.
    if last["name"] != "coded":
        pytest.skip("the command is the faster member on this machine")
    place = broken / "members" / str(len(card["members"]) - 1) / CARD
    place.write_text(json.dumps(json.loads(place.read_text()) | {"command": f"{sys.executable} none.py {{data}} {{out}}"}))
    predict_bundle(broken, Path("data/raw/tiny"), Path("first.csv"))
    out, err = capsys.readouterr()
    assert "LEFT OUT    coded and what follows: the command of coded ended with exit code 2" in out and "none.py" in err
    alone = pd.read_csv(find_run("mine").folder("submission") / "submission.csv")
    assert pd.read_csv("first.csv").equals(alone)


@pytest.mark.slow
def test_members_that_would_pass_the_limit_are_not_begun(inside, capsys):
    bundle = load_bundle(Path("bundle"))
    assert isinstance(bundle, BlendBundle)
    slow = replace(bundle, paces={name: Pace(30.0 * place, 1.0, 20) for place, name in enumerate(bundle.paces)}, hours=0.001)
    parts = {name: bundle.load_part(Path("bundle"), name) for name in bundle.names}
    slow.save(parts, Path("slow"), Packing(Path("data/raw/tiny"), 100))
    predict_bundle(Path("slow"), Path("data/raw/tiny"), Path("slow.csv"))
    said = capsys.readouterr().out
    assert "1 of 2 members" in said and "LEFT OUT" in said and "would pass the 0.001 hours" in said
    with pytest.raises(InputError, match="no member of all can be bundled"):
        run_command(["bundle", "all", "--hours", "1e-9"])


@pytest.mark.slow
def test_members_predict_at_once_where_there_are_several_devices(inside, capsys, monkeypatch):
    monkeypatch.setattr("goldfold.bundle.rerun.gpus", lambda: 2)
    predict_bundle(Path("bundle"), Path("data/raw/tiny"), Path("both.csv"))
    assert "2 members on 2 GPUs" in capsys.readouterr().out
    assert Path("both.csv").read_bytes() == Path("experiments/blends/two/submission/submission.csv").read_bytes()


@pytest.mark.slow
def test_what_is_worth_little_can_stay_and_a_command_must_predict_what_was_imported(inside, capsys, tmp_path):
    run_command(["bundle", "two", "--worth", "10", "--out", str(tmp_path / "one")])
    assert "worth less than 10" in capsys.readouterr().out and len(load_bundle(tmp_path / "one").names) == 1
    imported("lying", 1.5, tmp_path / "code", coded=0.1)
    run_command(["blend", "mine", "lying", "--name", "false"])
    with pytest.raises(InputError, match="the command of lying predicts other values than were imported"):
        run_command(["bundle", "false"])
    run_command(["blend", "mine", "coded", "--method", "stack", "--name", "stacked"])
    with pytest.raises(InputError, match=r"a stack's model cannot be bundled(.|\n)*--method logistic"):
        run_command(["bundle", "stacked"])
    with pytest.raises(InputError, match="--worth is for the members of a blend"):
        run_command(["bundle", "mine", "--worth", "1"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--command", "python a.py {data} {out}"], "a command runs in the folder of its code"),
        (["--command", "python a.py", "--code", "."], "does not say where it reads and writes"),
    ],
)
def test_a_command_says_what_it_reads_and_writes(inside, arguments, message):
    with pytest.raises(InputError, match=message):
        run_command(["import", "x", "--oof", "oof_bare.csv", "--test", "pred_bare.csv", *arguments])


def test_tensors_that_checkpoints_hold_alike_lie_once(tmp_path):
    draws = torch.Generator().manual_seed(0)
    backbone = {"backbone": torch.randn(300, 300, generator=draws), "bias": torch.randn(300, generator=draws)}
    places = [tmp_path / str(fold) / "0" for fold in range(3)]
    weights = [{**backbone, "head": torch.randn(200, 200, generator=draws)} for _ in places]
    for place, tensors in zip(places, weights, strict=True):
        place.mkdir(parents=True)
        save_file(tensors, place / "model.safetensors")
    before = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    share_tensors(tmp_path)
    after = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert before - after > 1.9 * backbone["backbone"].nbytes
    assert set(load_file(places[0] / "model.safetensors")) == {"bias", "head"}
    from goldfold.training.fold_result import _weights

    for place, tensors in zip(places, weights, strict=True):
        read = _weights(place / "model.safetensors")
        assert set(read) == set(tensors) and all(torch.equal(read[name], tensors[name]) for name in tensors)


def test_plans_come_back_from_a_file(inside):
    bundle = load_bundle(Path("bundle"))
    assert [len(plan.linear.weights) for plan in bundle.plans] == [1, 2]
    assert all(isinstance(plan.linear, Linear) for plan in bundle.plans)
