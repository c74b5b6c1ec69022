"""Pictures that tests draw: stripes and discs of a colour, on a ground that differs from picture to picture."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

STRIPES, DISCS = "stripes", "discs"


def drawing(kind: str, seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Return a picture of that kind; the same seed gives the same one."""
    random = np.random.default_rng(seed)
    image = Image.new("RGB", size, tuple(random.integers(160, 256, 3).tolist()))
    draw, ink = ImageDraw.Draw(image), tuple(random.integers(0, 90, 3).tolist())
    if kind == STRIPES:
        for left in range(int(random.integers(0, 12)), size[0], 24):
            draw.rectangle([left, 0, left + 10, size[1]], fill=ink)
    else:
        x, y = (int(random.integers(length // 3, length // 2)) for length in size)
        draw.ellipse([x - 35, y - 35, x + 35, y + 35], fill=ink)
    return image


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    """Return the picture as a file's bytes."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def drawn(folder: Path, each_kind: int = 4) -> Path:
    """Fill a folder with pictures ``stripes-0.png`` … and ``discs-0.png`` …; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, kind in enumerate((STRIPES, DISCS)):
        for number in range(each_kind):
            drawing(kind, 100 * place + number).save(folder / f"{kind}-{number}.png")
    return folder
