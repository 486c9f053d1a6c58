"""The start of a competition: from its files to params.yaml."""

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
