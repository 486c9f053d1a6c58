"""Numbers as a person reads them."""


def number(score: float) -> str:
    """Write a score with five significant digits: 1.0000, 0.98765, 123.45."""
    return f"{score:#.5g}".rstrip(".")


def clock(seconds: float) -> str:
    """Write seconds as 0:07 or 1:02:03."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
