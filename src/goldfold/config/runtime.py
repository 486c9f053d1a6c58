"""The section runtime: what trains the folds."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from goldfold.config.section import Section

Count = Literal["auto"] | Annotated[int, Field(ge=1, le=1024, strict=True)]
ADDRESS = re.compile(r"auto|(ray://)?[\w.-]+:\d{1,5}")
PROTOCOL = re.compile(r"([a-z][a-z0-9+.-]*)://.+")


def _address(address: str) -> str:
    if not ADDRESS.fullmatch(address):
        raise ValueError(f"{address} is no address of a cluster: give auto, host:6379 or ray://host:10001; null starts Ray here")
    return address


def _storage(storage: str) -> str:
    found = PROTOCOL.fullmatch(storage)
    if not found and not Path(storage).is_absolute():
        raise ValueError(f"{storage} is no place for all nodes: give an absolute folder, or an address as s3://bucket/folder")
    if found and found[1] == "memory":
        raise ValueError(f"{storage} is the memory of one process: give a place that all nodes reach")
    return storage


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
    engine: Literal["here", "ray"] = "here"
    """What trains the folds: the processes of this machine, or a Ray cluster (docs/ray.md)."""
    address: Annotated[str, AfterValidator(_address)] | None = None
    """The cluster: null starts Ray on this machine, auto finds the one that this machine belongs to, and host:6379 or
    ray://host:10001 names one."""
    storage: Annotated[str, AfterValidator(_storage)] | None = None
    """What the cluster's nodes share: an address that fsspec knows, or an absolute folder. null where they see this
    repository's folder under the same path."""

    @model_validator(mode="after")
    def _ray_has_a_device_for_each_fold(self) -> Self:
        if self.engine == "ray" and self.share_gpu:
            raise ValueError("share_gpu is for engine: here; Ray gives each fold a GPU of its own")
        if self.engine == "ray" and self.devices_per_job > 1:
            raise ValueError("devices_per_job is for engine: here; Ray trains each fold on one device")
        return self
