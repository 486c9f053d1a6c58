"""What training on a Ray cluster costs: two nodes of one core on this machine, against its own two processes."""

import importlib.util
import os
import shutil
from collections.abc import Callable
from functools import partial
from multiprocessing.util import Finalize
from pathlib import Path

from benchmarks.measure import Row, ratio, take_turns
from goldfold.competition import read_competition
from goldfold.competition.demo import write_digits
from goldfold.config import load_config
from goldfold.config.runtime import RuntimeConfig
from goldfold.engines.folds import pool_of, train_folds
from goldfold.prepare import prepare
from goldfold.training.reporter import Silent
from goldfold.training.stopping import never

ROOT = Path(__file__).parents[1]
LEAST = 1 / 1.2
ROUNDS = 3
EPOCHS = 4
WHAT, AGAINST = f"the demo's five folds, {EPOCHS} epochs, two at once", "two processes of this machine"
NODE = {"num_cpus": 1, "object_store_memory": 2**28}


def ray_cluster(folder: Path) -> list[Row]:
    """Folds of the embedded competition, after the start of Ray and all imports."""
    if importlib.util.find_spec("ray") is None:
        return [Row(WHAT, AGAINST, "-", "-", None, f"{LEAST:.2f} x", False, "not measured: Ray is not installed")]
    on_ray = {"on Ray, the repository shared": None, "on Ray, by runtime.storage": str(folder / "storage")}
    runtimes = {AGAINST: RuntimeConfig(jobs=2, threads=1)}
    runtimes |= {name: RuntimeConfig(engine="ray", threads=1, storage=storage) for name, storage in on_ray.items()}
    timed = take_turns({name: partial(_trained, runtime, folder / name) for name, runtime in runtimes.items()}, ROUNDS)
    rows = []
    for name in on_ray:
        found = ratio(timed[AGAINST], timed[name])
        ours, theirs = (f"{min(timed[which].seconds):.1f} s" for which in (name, AGAINST))
        note = f"{name}; its start and imports apart; the best of {ROUNDS} rounds, the ratio their median"
        rows.append(Row(WHAT, AGAINST, ours, theirs, found, f"{LEAST:.2f} x", found >= LEAST, note))
    return rows


def _trained(runtime: RuntimeConfig, folder: Path) -> Callable[[], None]:
    """Return what trains the folds anew."""
    if runtime.engine == "ray":
        runtime = runtime.model_copy(update={"address": _two_nodes()})
    config = load_config(ROOT / "data/demo/params.yaml")
    config = config.model_copy(update={"train": config.train.model_copy(update={"epochs": EPOCHS}), "runtime": runtime})
    write_digits(folder / "digits", folder / "solution.csv")
    competition = read_competition(config.competition.model_copy(update={"path": str(folder / "digits"), "solution": None}))
    prepared = prepare(competition, config.split, config.prepare, folder / "prepared")[0]
    # Kept for all rounds; processes end with this one.
    pool = pool_of(runtime, prepared).__enter__()

    def train() -> None:
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        for _ in train_folds(prepared, config, folder / "folds", folder / "scratch", lambda _: Silent(), never, pool):
            pass

    return train


def _two_nodes() -> str:
    """Start a cluster that ends with this process, and return its address."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={**NODE, "num_cpus": 0, "include_dashboard": False})
    for _ in range(2):
        cluster.add_node(**NODE)
    for priority, end in enumerate((cluster.shutdown, ray.shutdown)):
        Finalize(None, end, exitpriority=priority)
    return str(cluster.address)
