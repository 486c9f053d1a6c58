"""How fast training batches of photos come."""

from functools import partial
from pathlib import Path

from benchmarks import ours, rivals
from benchmarks.measure import Row, per_second, ratio, take_turns
from benchmarks.pictures import write_competition

IMAGES = 512
SECTIONS = {
    "model": {"name": "resnet18", "image_size": 224},
    "augment": ours.CROP_AND_FLIP,
    "train": {"batch_size": 64},
}


def loader(folder: Path) -> list[Row]:
    """Batches of 64, normalised; the rivals once with no worker processes and once with two, as goldfold."""
    write_competition(folder / "data", train=IMAGES, test=2, size=ours.PHOTO)
    ours.prepared_set(folder, SECTIONS)
    rows = []
    for workers in (0, ours.WORKERS):
        timed = take_turns(
            {
                "ours": partial(ours.loading, folder, SECTIONS, workers),
                "tutorial": partial(rivals.tutorial_loading, folder / "classes", 64, workers, 224),
                "timm": partial(rivals.timm_loading, folder / "classes", 64, workers, 224),
            }
        )
        for name, against, least in (
            ("tutorial", "ImageFolder + v1 transforms + DataLoader", 8.0),
            ("timm", "timm's create_loader", 4.0),
        ):
            found = ratio(timed[name], timed["ours"])
            speeds = per_second(IMAGES, timed["ours"]), per_second(IMAGES, timed[name])
            what, note = "loader, photos to 224 px batches", f"{workers} workers each"
            rows.append(Row(what, against, *speeds, found, f"{least:g} x", found >= least, note))
    return rows
