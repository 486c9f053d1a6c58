"""How the terminal prints: what data says stands there as it is, never as markup, an emoji's name or a colour."""

from typing import Any

from rich.console import Console
from rich.progress import TextColumn


class PlainConsole(Console):
    """A console that prints texts to the letter."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)


def plain_column(text: str) -> TextColumn:
    """Make a column of a progress bar whose text is no markup; `text` is a format over the task."""
    return TextColumn(text, markup=False)
