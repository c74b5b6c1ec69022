"""A contact sheet: a query and what looks like it, as one picture."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from adapters.pictures.opening import BadPicture, opened
from core.text.visible import visible

SIDE, GAP, CAPTION, COLUMNS = 220, 12, 34, 6
INK, PAPER, EMPTY = "black", "white", "#dddddd"
LONGEST = 34  # characters of a caption's line


class Shown(NamedTuple):
    """One picture of a sheet and the two lines below it."""

    picture: Path | bytes
    title: str
    about: str = ""


def contact_sheet(shown: Sequence[Shown]) -> bytes:
    """Return the pictures side by side, the query first, as PNG; one that cannot be read leaves its place grey."""
    from PIL import Image, ImageDraw, ImageOps

    columns = min(COLUMNS, max(1, len(shown)))
    rows = -(-len(shown) // columns)
    size = (GAP + columns * (SIDE + GAP), GAP + rows * (SIDE + CAPTION + GAP))
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, entry in enumerate(shown):
        left = GAP + place % columns * (SIDE + GAP)
        top = GAP + place // columns * (SIDE + CAPTION + GAP)
        try:
            inside = ImageOps.contain(opened(entry.picture), (SIDE, SIDE))
            sheet.paste(inside, (left + (SIDE - inside.width) // 2, top + (SIDE - inside.height) // 2))
        except (BadPicture, OSError):
            draw.rectangle([left, top, left + SIDE, top + SIDE], fill=EMPTY)
        if place == 0:
            draw.rectangle([left - 4, top - 4, left + SIDE + 3, top + SIDE + 3], outline=INK, width=2)
        for line, text in enumerate((entry.title, entry.about)):
            draw.text((left, top + SIDE + 4 + 14 * line), visible(text)[:LONGEST], fill=INK)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()
