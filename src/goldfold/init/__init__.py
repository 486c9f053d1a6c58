"""How a competition begins: its files are looked at, and params.yaml is written."""

from goldfold.init.params import proposed, require_committed, write, written
from goldfold.init.proposal import Proposal, propose
from goldfold.init.setting import Setting

__all__ = [
    "Proposal",
    "Setting",
    "propose",
    "proposed",
    "require_committed",
    "write",
    "written",
]
