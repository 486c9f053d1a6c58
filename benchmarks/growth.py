"""How prepare and the loader grow with the number of images."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from benchmarks.pictures import write_competition

COUNTS = (1_000, 10_000, 100_000)
SIDE = 32
READ = 20_000


def growth(folder: Path) -> str:
    """Prepare and read so many small images, each in a process of its own; return a table of times and memory."""
    lines = [
        "| images | prepare, ms per image | loader, ms per image | prepare, MB at most | loader, MB at most |",
        "|---|---|---|---|---|",
    ]
    for count in COUNTS:
        write_competition(folder / str(count) / "data", train=count, test=2, size=(SIDE, SIDE))
        told = {}
        for step in ("prepare", "load"):
            places = [str(folder / str(count) / name) for name in ("data", "prepared")]
            command = [sys.executable, "-m", "benchmarks.growth", step, *places]
            told[step] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        times = [f"{told[step]['seconds'] / told[step]['images'] * 1e3:.3f}" for step in ("prepare", "load")]
        memory = [f"{told[step]['megabytes']:.0f}" for step in ("prepare", "load")]
        lines.append(f"| {count:,} | " + " | ".join([*times, *memory]) + " |")
    return "\n".join(lines)


class _Memory(threading.Thread):
    """Looks again and again at the memory of this process that no file backs: mapped pages are the system's to drop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._over = 0.0, threading.Event()

    def run(self) -> None:
        while not self._over.wait(0.01):
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.most = max(self.most, int(status["RssAnon"].split()[0]) / 1e3)

    def end(self) -> float:
        """The most megabytes that were seen."""
        self._over.set()
        self.join()
        return self.most


def _step(step: str, data: Path, prepared: Path) -> None:
    from goldfold.competition import read_competition
    from goldfold.config import CompetitionConfig, SplitConfig
    from goldfold.modalities.image.settings import ImagePrepareConfig
    from goldfold.prepare import PreparedSet, prepare

    if step == "prepare":
        competition = read_competition(CompetitionConfig(path=str(data)))
        # What is imported and started once is not a cost of an image.
        prepare(competition, SplitConfig(), ImagePrepareConfig(rows=100), prepared.with_name("few"))
        memory, started = _Memory(), time.perf_counter()
        memory.start()
        prepare(competition, SplitConfig(), ImagePrepareConfig(), prepared)
        images = len(competition.train) + len(competition.test)
    else:
        from goldfold.modalities.image.cache import ImageCache
        from goldfold.modalities.image.learning import ImageView
        from goldfold.training.batches import EpochSampler, training_batches

        loaded = PreparedSet.load(prepared)
        view = ImageView(ImageCache.load(prepared), {"size": SIDE, "channels": 3, "interpolation": "bilinear"})
        sampler = EpochSampler(np.arange(len(loaded.train)), 0)
        memory, started, images = _Memory(), time.perf_counter(), 0
        memory.start()
        while images < READ:
            images += sum(len(rows) for rows, _ in training_batches(view, sampler, 64, 0))
            sampler.epoch += 1
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "images": images, "megabytes": memory.end()}))


if __name__ == "__main__":
    _step(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
