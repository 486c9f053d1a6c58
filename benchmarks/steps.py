"""How fast networks train: a tiny one on small images, and a ResNet18 on photos."""

from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import ours, rivals
from benchmarks.measure import Row, per_second, ratio, take_turns
from benchmarks.pictures import write_competition

SGD = {"name": "sgd", "momentum": 0.9}
SMALL: dict[str, Any] = {
    "model": {"name": "benchmarks.rivals:TinyCNN", "image_size": 32},
    "augment": [{"name": "HorizontalFlip", "p": 0.5}],
    "split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.05},
    "train": {"epochs": 100, "batch_size": 64, "lr": 0.01, "weight_decay": 0.0, "optimizer": SGD},
}
PHOTOS: dict[str, Any] = {
    "model": {"name": "resnet18", "image_size": 224},
    "augment": ours.CROP_AND_FLIP,
    "split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.021},
    "train": {"epochs": 100, "batch_size": 32, "lr": 0.001, "optimizer": {**SGD, "nesterov": True}},
}


def small_images(folder: Path) -> list[Row]:
    """A whole training epoch of the MNIST tutorial's network; the rival with the number of workers that suits it."""
    write_competition(folder / "data", train=2000, test=2, size=(32, 32), suffix=".png")
    chosen = ours.precision(folder, SMALL)
    loops = {
        f"{workers} workers": partial(rivals.tutorial_training, folder / "classes", "tiny", 64, workers, None)
        for workers in (0, ours.WORKERS)
    }
    timed = take_turns({"ours": partial(ours.training, folder, SMALL), **loops})
    best = min(loops, key=lambda name: median(timed[name].seconds))
    rows = timed["ours"].result
    # A rival's epoch has all rows, ours those of the fold.
    found = ratio(timed[best], timed["ours"], 2000 / rows)
    speeds = per_second(rows, timed["ours"]), per_second(2000, timed[best])
    note = f"in {chosen}; its best: {best}"
    return [Row("epoch of a tiny CNN at 32 px", "the tutorials' loop", *speeds, found, "3 x", found >= 3, note)]


def fine_tuning(folder: Path) -> list[Row]:
    """Full fine-tuning of a ResNet18, loader and step together, against loops and against the limit."""
    write_competition(folder / "data", train=96, test=2, size=ours.PHOTO)
    chosen = ours.precision(folder, PHOTOS)
    given: dict[str, Any] = {"folder": folder / "classes", "model": "resnet18", "batch_size": 32, "workers": ours.WORKERS}
    timed = take_turns(
        {
            "ours": partial(ours.training, folder, PHOTOS),
            "limit": partial(ours.training, folder, PHOTOS, synthetic=True),
            "tutorial": partial(rivals.tutorial_training, **given, size=224),
            "default": partial(rivals.timm_training, **given, size=224, best_flags=False),
            "best": partial(rivals.timm_training, **given, size=224, best_flags=True),
        }
    )
    seen, rows = timed["ours"].result, []
    for name, against, least in (
        ("tutorial", "the tutorials' loop (fp32, NCHW)", 2.5),
        ("default", "timm's loader, optimiser and step at its defaults", 2.5),
        ("best", "the same with channels_last and bfloat16", 1.0),
        ("limit", "the same step on one batch in memory", 0.95),
    ):
        count = timed[name].result
        found = ratio(timed[name], timed["ours"], count / seen)
        what = "training throughput, ResNet18" if name == "limit" else "fine-tuning a ResNet18 at 224 px"
        speeds = per_second(seen, timed["ours"]), per_second(count, timed[name])
        rows.append(Row(what, against, *speeds, found, f"{least:g} x", found >= least, f"in {chosen}"))
    return rows
