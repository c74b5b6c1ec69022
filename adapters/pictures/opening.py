"""Pictures opened within limits: only known formats, no more pixels than a limit, no matter what a file claims."""

import io
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from adapters.models.session import without
from schemas.errors import BadInput, SettingsError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 50_000_000  # 150 MB once decoded; a photograph has 12 to 48 million
LARGER = 256 / 224  # the shorter side before its middle is cut out

# What Pillow raises for damaged files; a warning is raised only where a process asked for that.
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, KeyError, OverflowError, Warning)

Pixels = NDArray[np.uint8]


class BadPicture(BadInput):
    """A picture that is not taken, as it is damaged: the sentence says why."""


class TooLarge(BadPicture):
    """A picture of too many bytes or pixels."""


class NoPicture(BadPicture):
    """No picture, or one of a format that is not read."""


def opened(given: Path | bytes) -> "Image":
    """Return the first frame of a picture in red, green and blue, upright; transparent parts are white.

    Raises: BadPicture: it is no picture, damaged, or too large.      SettingsError: Pillow is not installed.
    """
    _prepare()
    from PIL import Image, ImageOps, UnidentifiedImageError

    size = len(given) if isinstance(given, bytes) else given.stat().st_size
    if size > MAX_BYTES:
        raise TooLarge(f"it has {size:,} bytes, at most {MAX_BYTES:,} are taken: make it smaller")
    if size == 0:
        raise NoPicture("it is empty")
    try:
        with Image.open(_file(given), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise TooLarge(f"it has {image.width:,} × {image.height:,} pixels, at most {MAX_PIXELS:,} are taken")
            image.draft("RGB", (512, 512))  # a JPEG is decoded at a half or a quarter of its size where that suffices
            upright = ImageOps.exif_transpose(image)
            return _on_white(upright)
    except UnidentifiedImageError:
        raise NoPicture(f"it is none of {', '.join(FORMATS)}") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooLarge(f"it has far more than {MAX_PIXELS:,} pixels") from None
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BadPicture(f"it is damaged ({error})") from None


def squared(image: "Image", side: int) -> Pixels:
    """Return the middle of a picture as a square: (side, side, 3). The shorter side is made a little larger first."""
    from PIL import Image

    shorter = round(side * LARGER)
    scale = shorter / min(image.size)
    width, height = (max(shorter, round(length * scale)) for length in image.size)
    # Only what is cut out is resized: a picture of 50,000 × 10 would else become one of 1,280,000 × 256.
    box_w, box_h = side / width * image.width, side / height * image.height
    left, top = (image.width - box_w) / 2, (image.height - box_h) / 2
    box = (left, top, left + box_w, top + box_h)
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box))


@cache
def _prepare() -> None:
    """Have Pillow refuse bombs that it warns of, and say nothing of odd parts of readable files.

    Once for the process: filters of warnings belong to all of its threads.
    Raises: SettingsError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise SettingsError(without("pillow", "pictures")) from None
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.filterwarnings("ignore", module=r"PIL\.")
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


def _file(given: Path | bytes) -> "io.BytesIO | Path":
    return io.BytesIO(given) if isinstance(given, bytes) else given


def _on_white(image: "Image") -> "Image":
    from PIL import Image

    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        over = image.convert("RGBA")
        white = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(white, over).convert("RGB")
    return image.convert("RGB")
