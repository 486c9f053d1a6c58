"""Ranks: processes that train one fold together, each on a device of its own. A process by itself is rank 0 of one.

What they have in common is torch.distributed's default group: who is in none pays nothing here.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from goldfold.errors import InputError
from goldfold.modalities.protocol import Inputs, Key, View
from goldfold.training.stopping import Reason, Stop

PATIENCE = timedelta(days=1)
"""How long a rank waits for the others: a lost one closes its connections, so that only what one does for all takes long."""
REASONS: tuple[Reason | None, ...] = (None, "max_hours", "interrupted")

Rows = TypeVar("Rows", Sequence[Key], torch.Tensor)


class LostRank(RuntimeError):
    """Another rank ended amid what all do together; it knows why."""


def rank() -> int:
    """Return this process's rank."""
    return dist.get_rank() if world() > 1 else 0


def world() -> int:
    """Return the number of ranks."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_main() -> bool:
    """Return whether this is the rank that saves and reports."""
    return rank() == 0


@contextmanager
def joined(rank: int, world: int, meeting: Path) -> Iterator[None]:
    """Be one of `world` ranks, which meet by the file `meeting`, and leave together. Raises LostRank where one is missed."""
    if world == 1:
        yield
        return
    # What the ranks agree on waits for no GPU.
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
    with _lost_told():
        dist.init_process_group(backend, f"file://{meeting}", PATIENCE, world_size=world, rank=rank)
    try:
        yield
        agreed(0)
    finally:
        dist.destroy_process_group()


@contextmanager
def main_first() -> Iterator[None]:
    """Have the other ranks wait until the main one has left the block."""
    if not is_main():
        agreed(0)
    yield
    if is_main():
        agreed(0)


def agreed(*numbers: int) -> list[int]:
    """Return the largest that any rank gives of each number."""
    if world() == 1:
        return list(numbers)
    largest = torch.tensor(numbers, dtype=torch.int64)
    with _lost_told():
        dist.all_reduce(largest, dist.ReduceOp.MAX)
    return largest.tolist()


def agreed_stop(stop: Stop) -> Stop:
    """Return `stop` for all ranks together: a reason of one is one for all."""
    return stop if world() == 1 else lambda: REASONS[agreed(REASONS.index(stop()))[0]]


def gathered(items: list[Any]) -> list[Any]:
    """Return the items of all ranks."""
    if world() == 1:
        return items
    parts: list[list[Any]] = [[] for _ in range(world())]
    with _lost_told():
        dist.all_gather_object(parts, items)
    return [item for part in parts for item in part]


@torch.no_grad()
def add_up(model: nn.Module, loss: torch.Tensor) -> None:
    """Replace the gradients and the loss by their sums over the ranks, and what norms know of their rows by its mean.

    A parameter has a gradient if any rank has one: without one, an optimiser would leave it as it is.
    """
    if world() == 1:
        return
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter, is_used in zip(trained, agreed(*(parameter.grad is not None for parameter in trained)), strict=True):
        if is_used and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
    learning = [module for module in model.modules() if isinstance(module, _NormBase) and module.training]
    statistics = [buffer for module in learning for buffer in module.buffers() if buffer.is_floating_point()]
    for buffer in statistics:
        buffer /= world()
    # One message is faster than many.
    tensors = [*gradients, *statistics, loss]
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    with _lost_told():
        dist.all_reduce(flat)
    for tensor, part in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def start_alike(model: nn.Module) -> None:
    """Give all ranks the main one's weights, also where the competitor's own module drew them without a seed."""
    if world() > 1:
        for tensor in model.state_dict().values():
            sent = tensor.contiguous()
            with _lost_told():
                dist.broadcast(sent, 0)
            tensor.copy_(sent)


def synchronised(model: nn.Module, device: torch.device) -> nn.Module:
    """Return the model with batch norms that normalise over the rows of all ranks; raises InputError on a CPU."""
    if device.type != "cuda":
        raise InputError(
            "params.yaml, train.sync_batch_norm: torch synchronises batch norms of GPUs alone, and this training has none",
            mend="set it to false: each process normalises by its own rows",
        )
    from timm.layers import convert_sync_batchnorm

    return cast(nn.Module, convert_sync_batchnorm(model))


def share_of(batch: Rows, rank: int, world: int) -> Rows:
    """Return the rows of a batch that a rank reads, one in `world`.

    A last batch that has less than two rows for each rank, which batch norm needs, is read whole by all of them.
    """
    return batch[rank::world] if len(batch) >= 2 * world else batch


class ShareView:
    """A view that shows a rank its share of each batch, and the numbers of all of the batch's rows."""

    def __init__(self, view: View, rank: int, world: int) -> None:
        self.view, self.rank, self.world = view, rank, world
        self.lengths = view.lengths

    def __getitems__(self, keys: Sequence[Key]) -> tuple[torch.Tensor, Inputs]:
        _, inputs = self.view.__getitems__(share_of(keys, self.rank, self.world))
        return torch.tensor([row for _, row in keys]), inputs


@contextmanager
def _lost_told() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostRank(f"another process of this training is lost: {error}") from error
