"""Members: out-of-fold and test predictions that were made elsewhere."""

from goldfold.members.gates import Finding, require_believable
from goldfold.members.member import Member, member_of
from goldfold.members.reading import Predicted, pairs_in, read_predicted

__all__ = ["Finding", "Member", "Predicted", "member_of", "pairs_in", "read_predicted", "require_believable"]
