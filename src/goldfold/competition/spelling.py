"""What texts share."""

from collections.abc import Collection


def shared_start(texts: Collection[str]) -> str:
    """Return the beginning that all texts share.

    >>> shared_start(["test_61", "test_7"])
    'test_'
    """
    first, last = min(texts), max(texts)
    return first[: next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))]


def shared_end(texts: Collection[str]) -> str:
    """Return the end that all texts share."""
    return shared_start([text[::-1] for text in texts])[::-1]
