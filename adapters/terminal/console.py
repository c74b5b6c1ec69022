"""The console for tables and lines with stored text: no text is markup, and none acts on the screen."""

import os
import sys
from typing import Any

from rich.console import Console
from rich.text import Text

from core.text.visible import visible

PIPED_WIDTH = 140  # for output that goes to no window


class PlainConsole(Console):
    """Shows every string as it is, escaped; text with a style is a ``Text`` made by ``styled``."""

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text by ``visible``, whatever markup or emoji names it holds; cells of tables come here, too."""
        return super().render_str(visible(text), **{**options, "markup": False, "emoji": False})


def console() -> PlainConsole:
    """Return a console on stdout, as wide as its window or COLUMNS."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return PlainConsole(highlight=False, width=None if known else PIPED_WIDTH)


def styled(text: str, style: str = "") -> Text:
    """Return the escaped text in a style."""
    return Text(visible(text), style=style)
