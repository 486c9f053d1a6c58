"""How fast the head of a frozen backbone trains, and how well."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import timm
import torch

from benchmarks import ours, rivals
from benchmarks.measure import Row, ratio, take_turns
from benchmarks.pictures import write_competition
from goldfold.training import train_fold

EPOCHS = 10
SECTIONS: dict[str, Any] = {
    "finetune": {"train": "head", "feature_views": 2},
    "train": {
        "epochs": EPOCHS,
        "batch_size": 32,
        "lr": 0.001,
        "weight_decay": 0.0,
        "optimizer": {"name": "sgd", "momentum": 0.9},
        # The kernel's rate stays; its StepLR comes after more epochs.
        "scheduler": {"name": "ConstantLR", "factor": 1.0},
    },
}
SHARED = Path(__file__).parents[2] / "shared/data"


def head_training(folder: Path, sections: dict[str, Any]) -> Callable[[], float]:
    """A whole training that finds nothing computed; returns the last epoch's accuracy."""
    prepared, config = ours.prepared_set(folder, sections)
    numbers = iter(range(100))

    def run() -> float:
        scratch = folder / f"scratch-{next(numbers)}"
        result = train_fold(prepared, 0, 0, config, scratch / "fold", scratch=scratch)
        shutil.rmtree(scratch)
        return float(result.history["accuracy"].iloc[-1])

    return run


def head_speed(folder: Path) -> list[Row]:
    """Ten epochs on 80 photos, 20 to validate. The kernel's epochs are all alike: ten count ten times one."""
    write_competition(folder / "data", train=100, test=2, size=ours.PHOTO)
    torch.save(timm.create_model("resnet50").state_dict(), folder / "weights.pth")
    model = {"name": "resnet50", "pretrained": True, "weights": str(folder / "weights.pth"), "image_size": 224}
    sections = {**SECTIONS, "model": model, "augment": ours.CROP_AND_FLIP}
    prepared, _ = ours.prepared_set(folder, sections)
    rows = prepared.training_rows(0), prepared.validation_rows(0)
    kernel = partial(rivals.kernel_training, folder / "classes", {"model_name": "resnet50"}, 2048, 224, *rows, 1)
    timed = take_turns({"ours": partial(head_training, folder, sections), "theirs": kernel}, warm_up=False)
    found = EPOCHS * ratio(timed["theirs"], timed["ours"])
    told = f"{median(timed['ours'].seconds):.1f} s", f"{EPOCHS * median(timed['theirs'].seconds):.1f} s"
    note = "2 augmented views of each row"
    return [Row("head of a frozen ResNet50, 10 epochs", "the malaria kernel's loop", *told, found, "15 x", found >= 15, note)]


def head_accuracy(folder: Path) -> list[Row]:
    """The validation accuracy after ten epochs on real cells, from the same real backbone; needs the data in ../shared."""
    what, against = "the same, validation accuracy on malaria-cells", "the malaria kernel's loop, MobileNetV2"
    if not SHARED.is_dir():
        return [Row(what, against, "-", "-", None, "-0.5 points", False, f"not measured: no {SHARED}")]
    half = [0.5, 0.5, 0.5]
    file = str(SHARED / "weights/mobilenetv2_100-imagenet-fp16.safetensors")
    taken = {"mean": half, "std": half, "image_size": 96, "args": {"pad_type": "same"}}
    sections = {
        **SECTIONS,
        "model": {"name": "mobilenetv2_100", "pretrained": True, "weights": file, **taken},
        "augment": [{"name": "RandomResizedCrop", "size": [96, 96]}, {"name": "HorizontalFlip", "p": 0.5}],
        "split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.6},
    }
    (folder / "data").symlink_to(SHARED / "malaria-cells")
    prepared, _ = ours.prepared_set(folder, sections)
    overlay = {"file": file, "mean": half, "std": half}
    backbone = {"model_name": "mobilenetv2_100", "pretrained": True, "pad_type": "same", "pretrained_cfg_overlay": overlay}
    # ImageFolder and goldfold both take the files of the class folders in order.
    rows = prepared.training_rows(0), prepared.validation_rows(0)
    kernel = rivals.kernel_training(SHARED / "malaria-cells/train", backbone, 1280, 96, *rows, EPOCHS)
    mine, theirs = head_training(folder, sections)(), kernel()
    points = 100 * (mine - theirs)
    note = f"{points:+.2f} points, {len(rows[1])} cells"
    return [Row(what, against, f"{mine:.2%}", f"{theirs:.2%}", None, "-0.5 points", points >= -0.5, note)]
