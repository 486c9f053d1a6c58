"""Folds trained on a Ray cluster have the bits of those trained here, and none is lost with a node.

Needs requirements-ray.txt.
"""

import os
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from tests.engines.test_here import Heard, alone, config, driver_killed, require_same, train  # noqa: F401

from goldfold import identity
from goldfold.config import Component, RuntimeConfig
from goldfold.engines import cluster as engine
from goldfold.engines.cluster import Cluster
from goldfold.engines.folds import pool_of
from goldfold.engines.node import require_same as require_same_kind
from goldfold.errors import InputError
from goldfold.process import _blame
from goldfold.training.state import STATE, STATES
from goldfold.training.stopping import Stopped

pytest.importorskip("ray.cluster_utils", reason="pip install -r requirements-ray.txt -c constraints.txt")
ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

STORE = 80 * 2**20


class Nodes:
    """A cluster whose head only tracks, and nodes of one core, each with a folder of its own for what it fetches."""

    def __init__(self, root):
        from ray.cluster_utils import Cluster

        self.root, self.nodes = root, []
        # Ray's usage reports are off, and its dashboard.
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": STORE, "ray_client_server_port": self.port}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)

    def add(self):
        folder = Path(tempfile.mkdtemp(dir=self.root))
        self.nodes.append(self.cluster.add_node(num_cpus=1, object_store_memory=STORE, env_vars={"TMPDIR": str(folder)}))

    def kill(self):
        self.cluster.remove_node(self.nodes.pop(), allow_graceful=False)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    nodes = Nodes(tmp_path_factory.mktemp("nodes"))
    nodes.add()
    nodes.add()
    yield nodes
    nodes.cluster.shutdown()


@pytest.fixture(scope="module")
def runtime(nodes, tmp_path_factory):
    """Settings for the cluster, whose nodes share a folder."""
    storage = str(tmp_path_factory.mktemp("storage"))
    return RuntimeConfig(engine="ray", address=nodes.cluster.address, threads=1, storage=storage)


@pytest.fixture
def on(config, runtime):  # noqa: F811
    """The config for the cluster."""

    def build(**train):
        return config.model_copy(update={"runtime": runtime, "train": config.train.model_copy(update=train)})

    return build


@pytest.fixture(scope="module")
def pool(runtime, digits):
    """The cluster, its processes kept from test to test."""
    with pool_of(runtime, digits) as pool:
        yield pool


def states(runtime):
    """What storage holds of trainings."""
    return list(Path(runtime.storage).glob("states/*/*"))


def tasks():
    """The processes that do a job."""
    named = {process: process.name() for process in psutil.Process().children(recursive=True)}
    return [process for process, name in named.items() if name == "ray::work" and process.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "auto"])
def test_a_cluster_that_does_not_answer_is_one_message_within_seconds(address, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    started = time.monotonic()
    cluster = Cluster(RuntimeConfig(engine="ray", address=address), 1)
    with pytest.raises(InputError, match=rf"no Ray cluster answers at {address}"), cluster:
        pass
    assert time.monotonic() - started < 10


def test_without_ray_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    cluster = Cluster(RuntimeConfig(engine="ray"), 1)
    with pytest.raises(InputError, match=r"pip install -r requirements-ray\.txt -c constraints\.txt"), cluster:
        pass


def test_a_node_of_another_kind_is_refused():
    ours = {"node": "a", "machine": ["cuda", "bf16", 2], "libraries": ["torch 2.15.0"]}
    told = r"(?s)node b would train other weights.*torch 2.14.0, not torch 2.15.0.*cuda fp16, on a cuda bf16"
    with pytest.raises(InputError, match=told):
        require_same_kind({"node": "b", "machine": ["cuda", "fp16", 2], "libraries": ["torch 2.14.0"]}, ours)
    require_same_kind({**ours, "node": "b"}, ours)


def test_where_nodes_have_gpus_each_fold_has_one():
    assert engine._room({"CPU": 16.0, "GPU": 2.0}, 4, with_gpu=True) == 2
    assert engine._room({"CPU": 4.0, "GPU": 8.0}, 3, with_gpu=True) == 1
    assert engine._room({"CPU": 16.0}, 4, with_gpu=True) == 0
    assert engine._room({"CPU": 16.0}, 3, with_gpu=False) == 5


def test_from_outside_the_cluster_an_error_in_own_code_arrives_as_itself(digits, on, nodes, tmp_path, monkeypatch):
    source = tmp_path / "src"
    for package in ("goldfold", "own"):
        shutil.copytree(engine.SOURCE / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "own/broken.py").write_text(
        "from torch import nn\nclass Loss(nn.Module):\n    def forward(self, prediction, target):\n        return 1 / 0\n"
    )
    for module in (engine, identity):
        monkeypatch.setattr(module, "SOURCE", source)
    broken = on(loss=Component(name="own.broken:Loss"))
    outside = broken.runtime.model_copy(update={"address": f"ray://127.0.0.1:{nodes.port}"})
    with pytest.raises(ZeroDivisionError) as raised:
        train(digits, broken.model_copy(update={"runtime": outside}), tmp_path, [Heard() for _ in range(3)])
    assert raised.type is ZeroDivisionError and "own/broken.py, line 4" in _blame(raised.value)


def test_too_small_nodes_are_told(on, nodes):
    with pytest.raises(InputError, match=r"no node of the cluster has 3 cores for a fold"), Cluster(on().runtime, 3):
        pass
    assert not ray.is_initialized()


def test_a_cluster_trains_what_this_machine_trains(digits, on, alone, pool, tmp_path):  # noqa: F811
    heard = [Heard() for _ in range(3)]
    require_same(train(digits, on(), tmp_path, heard, pool=pool), alone)
    assert [(fold.epochs, fold.dones, len(fold.plans)) for fold in heard] == [([0, 1], [True], 1)] * 3
    # What is trained is kept here, and nothing is left in storage but what the next run needs.
    heard = [Heard() for _ in range(3)]
    require_same(train(digits, on(), tmp_path, heard, pool=pool), alone)
    assert not any(fold.plans for fold in heard) and not states(on().runtime)


def test_nodes_need_neither_mlflow_nor_dvc_nor_git(pool):
    def imported():
        import goldfold.engines.cluster

        return goldfold.__file__, sorted({"torch", "mlflow", "dvc", "git"} & set(sys.modules))

    file, names = ray.get(ray.remote(imported).remote())
    assert "runtime_resources" in file and names == ["torch"] and pool.at_once == 2


def test_a_killed_nodes_fold_goes_on_elsewhere_from_its_saved_state(digits, nodes, on, alone, pool, tmp_path):  # noqa: F811
    killed = []

    def kill_one():
        if not killed:
            killed.append(nodes.kill())

    heard = [Heard(kill_one), Heard(kill_one), Heard()]
    try:
        require_same(train(digits, on(), tmp_path, heard, pool=pool), alone)
    finally:
        nodes.add()
    (lost,) = [fold for fold in heard if any("its node was lost; it goes on elsewhere" in note for note in fold.notes)]
    assert len(lost.plans) == 2 and any("resuming at epoch" in note for note in lost.notes)


def test_a_fold_whose_process_is_killed_goes_on_alone(digits, on, alone, pool, tmp_path):  # noqa: F811
    killed = []

    def kill_one():
        if not killed:
            killed.append(tasks()[0])
            killed[0].kill()

    heard = [Heard(kill_one), Heard(kill_one), Heard()]
    require_same(train(digits, on(), tmp_path, heard, pool=pool), alone)
    said = [note for fold in heard for note in fold.notes]
    assert sum("its process was ended on its node" in note for note in said) == 1, said


def test_a_fold_whose_process_dies_twice_is_told(digits, on, pool, tmp_path):
    one = on().model_copy(update={"split": on().split.model_copy(update={"folds": (2,)})})
    heard = [Heard(), Heard(), Heard(lambda: [task.kill() for task in tasks()])]
    with pytest.raises(InputError, match=r"fold 2: its process was ended on its node.*twice"):
        train(digits, one, tmp_path, heard, pool=pool)


def test_a_reason_to_stop_brings_the_states_back_and_the_same_call_goes_on(digits, on, alone, pool, tmp_path):  # noqa: F811
    heard, before = [Heard() for _ in range(3)], set(states(on().runtime))
    with pytest.raises(Stopped, match="the same command goes on"):
        train(digits, on(), tmp_path, heard, lambda: "interrupted" if any(fold.epochs for fold in heard) else None, pool)
    assert list((tmp_path / "scratch" / STATES).glob(f"*/{STATE}")) and set(states(on().runtime)) <= before
    heard = [Heard() for _ in range(3)]
    require_same(train(digits, on(), tmp_path, heard, pool=pool), alone)
    assert any(plan.epochs_done for fold in heard for plan in fold.plans)


def test_a_wrong_setting_is_one_message(digits, on, pool, tmp_path):
    with pytest.raises(InputError, match=r"train.loss.name: .*NoSuchLoss") as raised:
        train(digits, on(loss=Component(name="NoSuchLoss")), tmp_path, [Heard() for _ in range(3)], pool=pool)
    assert raised.type is InputError


def test_its_tasks_end_with_the_process_that_asked_for_them(digits, on, tmp_path):
    driver_killed(on(epochs=100), digits, tmp_path)
    until = time.monotonic() + 20
    while tasks() and time.monotonic() < until:
        time.sleep(0.2)
    assert not tasks()
