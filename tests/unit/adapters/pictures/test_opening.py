"""Pictures are opened within limits, whatever a file claims."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adapters.pictures import opening
from adapters.pictures.opening import BadPicture, NoPicture, TooLarge, opened, squared
from tests.kit.pictures import STRIPES, drawing, encoded


def claims(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has so many pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_each_format_is_opened(form: str) -> None:
    image = opened(encoded(drawing(STRIPES, 1), form))
    assert (image.mode, image.size) == ("RGB", (160, 120))


@pytest.mark.parametrize("size", [(60_000, 60_000), (8_000, 8_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_by_what_it_claims(size: tuple[int, int]) -> None:
    with pytest.raises(BadPicture):
        opened(claims(*size))


def test_a_picture_of_too_many_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "MAX_BYTES", 100)
    with pytest.raises(TooLarge, match="at most 100 are taken"):
        opened(encoded(drawing(STRIPES, 1)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        encoded(drawing(STRIPES, 1), "PPM"),
    ],
)
def test_what_is_no_picture_of_a_known_format_is_refused(content: bytes) -> None:
    with pytest.raises(NoPicture):
        opened(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_picture_that_is_cut_off_is_refused_or_read_never_a_crash(form: str, share: float) -> None:
    whole = encoded(drawing(STRIPES, 1), form)
    with suppress(BadPicture):
        opened(whole[: int(share * len(whole))])


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        opened(tmp_path / "none.png")


def test_a_turned_photograph_is_turned_back() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert opened(encoded(drawing(STRIPES, 1), "JPEG", exif=exif)).size == (120, 160)


def test_transparent_parts_are_white() -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert np.asarray(opened(encoded(image))).min() == 255


@pytest.mark.parametrize("size", [(224, 224), (1, 1), (3000, 2), (2, 3000), (500, 300)])
def test_any_shape_becomes_a_square(size: tuple[int, int]) -> None:
    assert squared(drawing(STRIPES, 1, size), 224).shape == (224, 224, 3)


def test_the_middle_is_cut_out() -> None:
    image = Image.new("RGB", (400, 100), "black")
    image.paste("white", (150, 0, 250, 100))
    assert squared(image, 224).min() > 200
