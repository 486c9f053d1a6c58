"""Profile training steps."""

import time

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from goldfold.training.finetune import set_trainable
from goldfold.training.step import train_step
from goldfold.training.trainer import Trainer

PARTS = ("data", "to device", "forward", "loss", "backward", "optimizer")
WARM_UP = 3


def profile_steps(trainer: Trainer, steps: int) -> None:
    """Train `steps` steps on a trainer to be thrown away, and report the time of each part and the slowest operators.

    On a GPU the parts are times of the device, as the CPU does not wait for it.
    """
    set_trainable(trainer.model, trainer.config.finetune, trainer.config.train.epochs - 1)
    on_gpu = trainer.compute.device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    batches, done = iter(trainer.batches), 0
    for _ in range(min(WARM_UP, trainer.steps - 1)):
        rows, inputs = next(batches)
        train_step(trainer, 0, done, rows, inputs)
    with profile(activities=activities) as recorded:
        started = time.perf_counter()
        while done < steps:
            with record_function("data"):
                batch = next(batches, None)
            if batch is None:
                batches = iter(trainer.batches)
                continue
            rows, inputs = batch
            train_step(trainer, 0, done, rows, inputs)
            done += 1
        if on_gpu:
            torch.cuda.synchronize()
        elapsed = time.perf_counter() - started
    averages = recorded.key_averages()
    took = {event.key: (event.device_time_total if on_gpu else event.cpu_time_total) / 1e6 for event in averages}
    lines = [f"{part:<10} {took.get(part, 0.0) / done * 1e3:8.2f} ms  {took.get(part, 0.0) / elapsed:5.1%}" for part in PARTS]
    rows = trainer.config.train.batch_size * done / elapsed
    summary = "\n  ".join([f"profile of {done} steps, {elapsed / done * 1e3:.2f} ms per step, {rows:.0f} rows/s", *lines])
    trainer.reporter.note(summary)
    by = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    trainer.reporter.attach("profile.txt", f"{summary}\n\n{averages.table(sort_by=by, row_limit=25)}\n")
