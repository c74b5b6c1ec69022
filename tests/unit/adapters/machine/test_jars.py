"""Jars come whole, with the locked checksum, or not at all."""

import hashlib
from pathlib import Path

import pytest

from adapters.machine import jars
from adapters.machine.jars import Jar, read_lock
from schemas.errors import SettingsError

GOOD = b"a jar"
ONE = Jar(hashlib.sha256(GOOD).hexdigest(), "org.example", "one", "1.0")
TWO = Jar(hashlib.sha256(GOOD).hexdigest(), "org.example", "two", "2.0", "linux-x86_64")


class Registry:
    """Stands for the registry: serves bytes by file name, counts what is asked of it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.asked: list[str] = []

    def download(self, jar: Jar, scratch: Path) -> Path:
        self.asked.append(jar.file_name)
        if jar.file_name not in self.files:
            raise SettingsError(f"Cannot fetch {jar.coordinate}")
        path = scratch / jar.file_name
        path.write_bytes(self.files[jar.file_name])
        return path


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Registry:
    """A registry that serves both jars, and a lock of one set that names both."""
    lock = tmp_path / "jars.lock"
    lock.write_text("".join(["[pair]\n", *(f"{jar.sha256}  {jar.coordinate}\n" for jar in (ONE, TWO))]))
    served = Registry({ONE.file_name: GOOD, TWO.file_name: GOOD})
    monkeypatch.setattr(jars, "LOCK", lock)
    monkeypatch.setattr(jars, "download", served.download)
    return served


def test_a_lock_line_round_trips_through_its_coordinate() -> None:
    assert read_lock(f"# made\n\n[set]\n{TWO.sha256}  {TWO.coordinate}\n") == {"set": (TWO,)}
    assert TWO.file_name == "two-2.0-linux-x86_64.jar"


def test_the_shipped_lock_names_each_jar_of_a_set_once() -> None:
    sets = read_lock(jars.LOCK.read_text())
    assert set(sets) == {"kafka", "spark", "cassandra"}
    for jar_set in sets.values():
        assert len({jar.file_name for jar in jar_set}) == len(jar_set)
        assert all(len(jar.sha256) == 64 for jar in jar_set)


def test_a_set_is_fetched_once_and_lies_alone_in_its_folder(registry: Registry, tmp_path: Path) -> None:
    folder = jars.jar_folder("pair", tmp_path)
    again = jars.jar_paths("pair", tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in again)
    assert len(registry.asked) == 2
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".fetching")] == []


def test_a_wrong_checksum_is_refused_and_nothing_of_it_is_kept(registry: Registry, tmp_path: Path) -> None:
    registry.files[ONE.file_name] = b"another jar"
    with pytest.raises(SettingsError, match=r"org\.example:one:1\.0 arrived with checksum"):
        jars.jar_folder("pair", tmp_path)
    assert ONE in jars.missing_jars("pair", tmp_path)


def test_an_interrupted_fetch_asks_only_for_the_rest(registry: Registry, tmp_path: Path) -> None:
    kept = registry.files.pop(TWO.file_name)
    with pytest.raises(SettingsError):
        jars.jar_folder("pair", tmp_path)
    registry.files[TWO.file_name] = kept
    registry.asked.clear()
    still_missing = [jar.file_name for jar in jars.missing_jars("pair", tmp_path)]
    jars.jar_folder("pair", tmp_path)
    assert TWO.file_name in still_missing
    assert registry.asked == still_missing


def test_a_changed_lock_gets_a_folder_of_its_own(registry: Registry, tmp_path: Path) -> None:
    before = jars.folder_of("pair", tmp_path)
    jars.LOCK.write_text(f"[pair]\n{ONE.sha256}  {ONE.coordinate}\n")
    assert jars.folder_of("pair", tmp_path) != before


def test_an_unknown_set_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="known are cassandra, kafka, spark"):
        jars.jar_folder("flink")


def test_the_place_of_jars_can_be_chosen(tmp_path: Path) -> None:
    assert jars.default_root({"MILLRACE_JARS": str(tmp_path)}) == tmp_path
    assert jars.default_root({"XDG_CACHE_HOME": str(tmp_path)}) == tmp_path / "millrace" / "jars"
