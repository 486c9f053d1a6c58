"""The section runtime: what trains the folds."""

from typing import Annotated, Literal

from pydantic import Field

from goldfold.config.section import Section

Count = Literal["auto"] | Annotated[int, Field(ge=1, le=1024, strict=True)]


class RuntimeConfig(Section):
    """How folds are trained: the weights depend on a fold's threads and devices, not on how many are trained at once."""

    jobs: Count = "auto"
    """How many folds are trained at once, each in a process of its own: auto is one per GPU, or as many as the cores feed."""
    threads: Count = "auto"
    """Threads of each: auto shares the cores out among the folds of the split, or among the GPUs."""
    devices_per_job: int = Field(1, ge=1, le=64, strict=True)
    """How many GPUs train each fold together, each its share of every batch; on a CPU how many processes."""
    share_gpu: bool = False
    """Allow more jobs than there are GPUs, which then share memory."""
