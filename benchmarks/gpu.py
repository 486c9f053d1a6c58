"""`make bench-gpu`: training and prediction of large networks on one GPU, within eight minutes; writes benchmarks/gpu.md.

Without a GPU it shows that it runs: two tiny batches of small networks on the CPU, and the page says so.
"""

import argparse
import gc
import platform
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import timm
import torch
from torch import nn

from benchmarks import ours
from benchmarks.measure import table
from benchmarks.pictures import write_competition
from goldfold.config.runtime import RuntimeConfig
from goldfold.engines.folds import places_of
from goldfold.errors import InputError
from goldfold.files import written_whole
from goldfold.training import train_fold
from goldfold.training.evaluation import predict_logits
from goldfold.training.reporter import Silent
from goldfold.training.step import train_step
from goldfold.training.trainer import Trainer, make_trainer

PAGE = Path(__file__).parent / "gpu.md"
SCENES = Path(__file__).parents[2] / "shared/data/natural-scenes"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Timed = Callable[[], Any]


class Scale(NamedTuple):
    """How much is measured: networks with their batch sizes, the side of images, steps in a round, rounds, and a real fold."""

    networks: dict[str, int]
    side: int
    steps: int
    rounds: int
    images: int
    workers: int
    fold: dict[str, Any]


LARGE = Scale({"resnet50": 128, "convnext_tiny": 128}, 224, 20, 3, 1024, 12, {"name": "resnet50", "epochs": 3, "size": 150})
SMOKE = Scale({"test_resnet": 2, "test_convnext": 2}, 64, 1, 1, 8, 0, {"name": "test_resnet", "epochs": 1, "size": 32})


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    scale, started, lines = LARGE if DEVICE.type == "cuda" else SMOKE, time.monotonic(), list[list[str]]()
    with tempfile.TemporaryDirectory() as folder:
        write_competition(Path(folder) / "data", train=scale.images, test=2, size=ours.PHOTO)
        for network, batch in scale.networks.items():
            for line in _network(Path(folder), network, batch, scale):
                print("  ".join(line), flush=True)
                lines.append(line)
        facts = [_refused(), _fold(Path(folder), scale)]
    print(*facts, sep="\n")
    with written_whole(PAGE) as draft:
        draft.write_text(_page(lines, facts, scale, (time.monotonic() - started) / 60), encoding="utf-8")


def _network(folder: Path, network: str, batch: int, scale: Scale) -> list[list[str]]:
    """The lines of a network: training in both precisions, fed by the loader, and prediction, each beside a plain loop."""
    half = "bf16" if DEVICE.type == "cuda" else "fp32"
    lines = []
    for precision in dict.fromkeys((half, "fp32")):
        trainer = _trainer(folder, network, batch, scale, precision)
        held = next(iter(trainer.batches))
        lines.append(
            _line(
                f"{network}, training in {precision}, a batch in memory",
                batch * scale.steps,
                scale,
                partial(_steps, trainer, [held] * scale.steps),
                _plain_training(network, batch, scale, precision),
                "plain loop: channels_last, autocast, fused SGD",
            )
        )
        if precision == half:
            fed = len(trainer.batches) * batch
            lines.append(
                _line(
                    f"{network}, training in {precision}, fed by the loader",
                    fed,
                    scale,
                    partial(_epoch, trainer),
                    _timm_epoch(folder, network, batch, scale, precision),
                    "timm's loader, optimiser and step",
                )
            )
            lines.append(
                _line(
                    f"{network}, prediction in {precision}, a batch in memory",
                    batch * scale.steps,
                    scale,
                    partial(predict_logits, trainer.model, [held] * scale.steps, trainer.compute),
                    _plain_prediction(network, batch, scale, precision),
                    "plain loop: channels_last, autocast",
                )
            )
        del trainer, held
        gc.collect()
    return lines


def _line(what: str, rows: int, scale: Scale, mine: Timed, theirs: Timed, against: str) -> list[str]:
    """Time two in turns, and note the most memory that each had."""
    seconds: dict[str, list[float]] = {"mine": [], "theirs": []}
    memory = dict.fromkeys(seconds, 0.0)
    for number in range(-1, scale.rounds):
        for name, run in (("mine", mine), ("theirs", theirs)):
            if DEVICE.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            started = time.perf_counter()
            run()
            if DEVICE.type == "cuda":
                torch.cuda.synchronize()
                memory[name] = torch.cuda.max_memory_allocated() / 2**30
            if number >= 0:
                seconds[name].append(time.perf_counter() - started)
    speeds = [f"{rows / median(seconds[name]):,.0f}/s" for name in seconds]
    found = median(their / my for my, their in zip(*seconds.values(), strict=True))
    sizes = [f"{memory[name]:.1f} GiB" if memory[name] else "-" for name in seconds]
    return [what, against, *speeds, f"{found:.2f} x", *sizes]


def _trainer(folder: Path, network: str, batch: int, scale: Scale, precision: str) -> Trainer:
    sections: dict[str, Any] = {
        "model": {"name": network, "image_size": scale.side},
        "augment": [{"name": "RandomResizedCrop", "size": [scale.side] * 2}, {"name": "HorizontalFlip", "p": 0.5}],
        "split": {"strategy": "holdout", "n_folds": 1, "folds": [0], "holdout": 0.25},
        "train": {
            "epochs": 100,
            "batch_size": batch,
            "lr": 0.001,
            "optimizer": {"name": "sgd", "momentum": 0.9},
            "precision": precision,
            "workers": scale.workers,
        },
    }
    prepared, config = ours.prepared_set(folder, sections)
    return make_trainer(prepared, 0, 0, config, Silent())


def _steps(trainer: Trainer, batches: list[Any]) -> None:
    for step, (rows, inputs) in enumerate(batches):
        train_step(trainer, 0, step, rows, inputs)


def _epoch(trainer: Trainer) -> None:
    for step, (rows, inputs) in enumerate(trainer.batches):
        train_step(trainer, trainer.sampler.epoch, step, rows, inputs)
    trainer.sampler.epoch += 1


def _network_of(name: str) -> nn.Module:
    network: nn.Module = timm.create_model(name, num_classes=2)
    return network.to(DEVICE).to(memory_format=torch.channels_last)


def _autocast(precision: str) -> AbstractContextManager[Any]:
    return torch.autocast(DEVICE.type, torch.bfloat16) if precision == "bf16" else nullcontext()


def _made(batch: int, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.randn(batch, 3, side, side, device=DEVICE).contiguous(memory_format=torch.channels_last)
    return inputs, torch.arange(batch, device=DEVICE) % 2


def _plain_training(network: str, batch: int, scale: Scale, precision: str) -> Timed:
    net = _network_of(network).train()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, fused=True)
    inputs, labels = _made(batch, scale.side)

    def run() -> None:
        for _ in range(scale.steps):
            with _autocast(precision):
                loss = nn.functional.cross_entropy(net(inputs), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    return run


def _plain_prediction(network: str, batch: int, scale: Scale, precision: str) -> Timed:
    net = _network_of(network).eval()
    inputs, _ = _made(batch, scale.side)

    @torch.inference_mode()
    def run() -> None:
        for _ in range(scale.steps):
            with _autocast(precision):
                net(inputs).float().cpu()

    return run


def _timm_epoch(folder: Path, network: str, batch: int, scale: Scale, precision: str) -> Timed:
    """As many batches of timm's loader as an epoch of ours has, with the flags that its documentation recommends."""
    from timm.data import ImageDataset, create_loader
    from timm.optim import create_optimizer_v2

    net = _network_of(network).train()
    optimizer = create_optimizer_v2(net, opt="sgd", lr=0.001, momentum=0.9)
    batches: Any = create_loader(
        ImageDataset(str(folder / "classes")),
        input_size=(3, scale.side, scale.side),
        batch_size=batch,
        is_training=True,
        num_workers=scale.workers,
        color_jitter=None,
        device=DEVICE,
        persistent_workers=scale.workers > 0,
    )
    count = round(scale.images * 0.75) // batch

    def run() -> None:
        for number, (inputs, labels) in enumerate(batches):
            if number < count:
                with _autocast(precision):
                    loss = nn.functional.cross_entropy(net(inputs.contiguous(memory_format=torch.channels_last)), labels)
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                optimizer.zero_grad()

    return run


def _refused() -> str:
    """What the pool says to one job more than there are GPUs."""
    count = torch.cuda.device_count()
    try:
        places_of(RuntimeConfig(jobs=count + 1), 1)
    except InputError as error:
        return f"Two jobs on one device are refused: {str(error).splitlines()[0]}."
    return "The pool refuses two jobs on one GPU: not to be seen without one."


def _fold(folder: Path, scale: Scale) -> str:
    """A real fold from its data to its best checkpoint."""
    if not SCENES.is_dir():
        return f"A real fold was not trained: there is no {SCENES.name} in ../shared/data."
    sections: dict[str, Any] = {
        "competition": {"path": str(SCENES)},
        "model": {"name": scale.fold["name"], "image_size": scale.fold["size"]},
        "augment": [{"name": "HorizontalFlip", "p": 0.5}],
        "split": {"n_folds": 5, "folds": [0]},
        "train": {"epochs": scale.fold["epochs"], "batch_size": 64, "lr": 0.001},
    }
    place = folder / "scenes"
    place.mkdir()
    started = time.perf_counter()
    prepared, config = ours.prepared_set(place, sections)
    read = time.perf_counter()
    result = train_fold(prepared, 0, 0, config, place / "fold")
    trained = time.perf_counter()
    what = f"{config.model.name} without pretrained weights at {scale.fold['size']} px, {scale.fold['epochs']} epochs"
    return (
        f"One fold of {SCENES.name}, {sum(result.rows.values())} images, {what} in {result.precision}: prepared in "
        f"{read - started:.0f} s, trained in {trained - read:.0f} s, {prepared.problem.metric} {result.score:.3f}."
    )


def _page(lines: list[list[str]], facts: list[str], scale: Scale, minutes: float) -> str:
    smoke = "No GPU was there: this is the smoke mode on a CPU, which shows that it runs, and nothing of its speed"
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else smoke
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "torchvision", "timm"))
    head = ["what", "against", "goldfold", "rival", "ratio", "goldfold's memory", "the rival's"]
    return "\n".join(
        [
            "# What `make bench-gpu` measured",
            "",
            f"{where}. Python {platform.python_version()}, {versions}. {time.strftime('%Y-%m-%d')}, {minutes:.1f} minutes.",
            f"Images of {scale.side} px; medians of {scale.rounds} rounds of {scale.steps} steps, in turns.",
            "",
            table([head, *lines]),
            "",
            *facts,
            "",
        ]
    )


if __name__ == "__main__":
    main()
