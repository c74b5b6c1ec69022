"""The file of a backup: what was saved comes back, and whatever was done to the file is seen before its end."""

import io
import tarfile
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.files.output import replacing
from millrace.backup.archive import MANIFEST, Manifest, checked, members, written
from schemas.errors import BadInput

ABOUT = Manifest("0.1.0", 1, {"lake": "saved"}, {"fold.history_items": 4}, ["home"])
FILES = {"kafka/data/meta.properties": b"cluster.id=x", "lake/a=1/ü %.parquet": bytes(range(256)) * 50, "empty": b""}


def unseen(_: int) -> None:
    """Show nothing."""


def archive(folder: Path, files: dict[str, bytes] = FILES) -> Path:
    path = folder / "a.tar.zst"
    with replacing(path) as file, written(file, unseen) as target:
        for name, content in files.items():
            target.add_bytes(name, content)
        target.close(ABOUT)
    return path


def test_everything_comes_back_with_its_list(tmp_path: Path) -> None:
    path = archive(tmp_path)
    manifest = checked(path, unseen)
    assert (manifest.settings, manifest.left_out) == (ABOUT.settings, ABOUT.left_out)
    assert {name: size for name, (size, _) in manifest.files.items()} == {n: len(c) for n, c in FILES.items()}
    assert {name: content.read() for name, content in members(path, unseen) if name != MANIFEST} == FILES


def test_other_programs_read_it(tmp_path: Path) -> None:
    with pa.CompressedInputStream(str(archive(tmp_path)), "zstd") as unpacked:
        plain = io.BytesIO(unpacked.read())
    with tarfile.open(fileobj=plain) as tar:
        names = tar.getnames()
    assert names == [*FILES, MANIFEST]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return archive(tmp_path_factory.mktemp("whole")).read_bytes()


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_an_archive_that_was_cut_is_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("cut") / "a"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 5))])
    with pytest.raises(BadInput, match="damaged"):
        checked(path, unseen)


@pytest.mark.parametrize("kept", [0.1, 0.4, 0.7, 0.99])
def test_an_archive_that_was_cut_inside_a_large_member_is_refused(tmp_path: Path, kept: float) -> None:
    path = archive(tmp_path, {"large": Random(1).randbytes(3 << 20), "other": b"x"})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(BadInput, match="damaged"):
        checked(path, unseen)


@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_a_changed_byte_is_seen_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, data: st.DataObject
) -> None:
    place, change = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("changed") / "a"
    path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
    try:
        manifest = checked(path, unseen)
    except BadInput:
        return
    assert {name: size for name, (size, _) in manifest.files.items()} == {n: len(c) for n, c in FILES.items()}
    assert {name: content.read() for name, content in members(path, unseen) if name != MANIFEST} == FILES


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside", ""])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="damaged"):
        checked(archive(tmp_path, {name: b"x"}), unseen)


def test_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a"
    link = tarfile.TarInfo("kafka")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    with (
        replacing(path) as file,
        pa.CompressedOutputStream(pa.PythonFile(file, "w"), "zstd") as packed,
        tarfile.open(fileobj=packed, mode="w|") as tar,
    ):
        tar.addfile(link)
    with pytest.raises(BadInput, match="no file of a backup"):
        checked(path, unseen)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x28\xb5\x2f\xfd"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadInput, match="no backup of Millrace"):
        checked(tmp_path / "a", unseen)
