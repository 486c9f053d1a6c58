"""How a competition begins: its files are looked at, and params.yaml is written."""

from goldfold.start.files import find_files, missing, slug_of, unpack_beside, unpack_download
from goldfold.start.params import proposed, require_committed, write, written
from goldfold.start.proposal import Proposal, propose
from goldfold.start.setting import Setting

__all__ = [
    "Proposal",
    "Setting",
    "find_files",
    "missing",
    "propose",
    "proposed",
    "require_committed",
    "slug_of",
    "unpack_beside",
    "unpack_download",
    "write",
    "written",
]
