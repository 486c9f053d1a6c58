"""The transforms of several kinds of input, which are the first one's."""

from collections.abc import Sequence

from goldfold.modalities.protocol import Augmentation


def joined(parts: Sequence[tuple[str, Augmentation]]) -> Augmentation:
    """Return the transforms of the first kind."""
    return parts[0][1]
