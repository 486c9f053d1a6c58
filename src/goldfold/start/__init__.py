"""How a competition begins: its files are looked at, and params.yaml is written."""

from goldfold.start.params import proposed, require_committed, write, written
from goldfold.start.proposal import Proposal, propose
from goldfold.start.setting import Setting

__all__ = [
    "Proposal",
    "Setting",
    "propose",
    "proposed",
    "require_committed",
    "write",
    "written",
]
