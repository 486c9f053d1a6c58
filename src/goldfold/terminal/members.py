"""What a person reads of a member that was taken in."""

from collections.abc import Sequence
from pathlib import Path

from goldfold.members import Finding, Member
from goldfold.terminal import show_cv


def show_member(member: Member, found: Sequence[Finding], folder: Path) -> None:
    """Print a member's score, whose folds it has, and what the gates found."""
    print(f"imported    {member.name}, with the folds {_folds(member)}")
    for finding in found:
        print(f"FORCED      {finding.gate}: {finding.text}")
    show_cv(member.cv)
    print(f"submission  {folder / 'submission' / 'submission.csv'}: passed the contract of the sample submission")
    print(f"blend it    goldfold blend {member.name} OTHER")


def _folds(member: Member) -> str:
    folds = str(member.source.get("folds", "unknown"))
    return "that it does not tell" if folds == "unknown" else f"of the split ({folds})" if folds == "the split's" else folds
