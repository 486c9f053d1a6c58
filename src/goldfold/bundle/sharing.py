"""Tensors that several checkpoints of a bundle hold, such as a frozen backbone's, are kept once."""

import hashlib
from collections import defaultdict
from os.path import relpath
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from goldfold.files import write_json
from goldfold.training.fold_result import SHARED, TENSOR

FOLDER = "shared"
LEAST = 2**16
"""Bytes of a tensor that is worth a file of its own."""


def share_tensors(folder: Path) -> None:
    """Move the tensors that occur more than once in the checkpoints below a folder into its own `shared/`."""
    files, holders = sorted(folder.rglob("model.safetensors")), defaultdict[str, list[tuple[Path, str]]](list)
    for file in files:
        for name, tensor in load_file(file).items():
            if tensor.nbytes >= LEAST:
                holders[_digest(tensor)].append((file, name))
    several = {digest: found for digest, found in holders.items() if len(found) > 1}
    by_file = defaultdict[Path, dict[str, str]](dict)
    for digest, found in several.items():
        target = folder / FOLDER / f"{digest}.safetensors"
        target.parent.mkdir(exist_ok=True)
        save_file({TENSOR: load_file(found[0][0])[found[0][1]]}, target)
        for file, name in found:
            by_file[file][name] = relpath(target, file.parent)
    for file, names in by_file.items():
        save_file({name: tensor for name, tensor in load_file(file).items() if name not in names}, file)
        write_json(file.with_name(SHARED), names)


def _digest(tensor: torch.Tensor) -> str:
    content = tensor.contiguous().view(-1).view(torch.uint8).numpy()
    kind = f"{tensor.dtype} {tuple(tensor.shape)}".encode()
    return hashlib.blake2b(content.tobytes(), key=kind[:64], digest_size=16).hexdigest()
