"""How the terminal prints: what data says stands there as it is, never as markup, an emoji's name, a colour or a command."""

import os
import sys
from typing import Any

from rich.console import Console
from rich.progress import TextColumn
from rich.text import Text

from goldfold.errors import escaped

NOTEBOOK = "JPY_PARENT_PID"
"""Set for a notebook's kernel and all that it starts."""


class PlainConsole(Console):
    """A console that prints texts to the letter; only it draws on the terminal.

    A notebook gives its commands a terminal and asks for colours, but keeps each frame that is drawn as a line: it gets lines.
    """

    def __init__(self, **options: Any) -> None:
        draws = False if NOTEBOOK in os.environ else None
        drawn_on = {"file": getattr(sys.stdout, "stream", None), "force_terminal": draws, **options}
        super().__init__(markup=False, emoji=False, highlight=False, **drawn_on)

    def render_str(self, text: str, **options: Any) -> Text:
        """Render a text, and each cell of a table."""
        return super().render_str(escaped(text), **options)


class _PlainColumn(TextColumn):
    def render(self, task: Any) -> Text:
        return Text(escaped(self.text_format.format(task=task)))


def plain_column(text: str) -> TextColumn:
    """Make a column of a progress bar whose text is no markup; `text` is a format over the task."""
    return _PlainColumn(text, markup=False)
