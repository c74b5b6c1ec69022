"""The window of a key's rate that several processes of a server share holds what all of them took together."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.access.keys import READ, Key
from core.access.rates import Rate, Window
from serving_layer.access import shared
from serving_layer.access.admission import Admission
from serving_layer.access.keyring import Keyring
from serving_layer.access.shared import SharedWindows
from tests.kit.places import ROOT

RATE = Rate(10, 60)
SHOP = Key("0a1b2c3d", "shop", READ, "", 0, "10/m")
OTHER_PROCESS = """
from pathlib import Path
from core.access.rates import Rate
from serving_layer.access.shared import SharedWindows
window = SharedWindows(Path({folder!r})).window("shop", Rate(1000, 60))
print(sum(window.take(1_000_000.0) for _ in range(1000)))
"""


@pytest.fixture
def both(tmp_path: Path) -> Iterator[tuple[SharedWindows, SharedWindows]]:
    """Two views of one file, as two processes have them."""
    with closing(SharedWindows(tmp_path)) as one, closing(SharedWindows(tmp_path)) as two:
        yield one, two


@settings(deadline=None, max_examples=30)
@given(steps=st.lists(st.tuples(st.booleans(), st.floats(0, 40)), max_size=60))
def test_two_processes_take_as_much_as_one_would(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, float]]
) -> None:
    folder, alone, now = tmp_path_factory.mktemp("rates"), Window(RATE), 1_000.0
    with closing(SharedWindows(folder)) as one, closing(SharedWindows(folder)) as two:
        windows = one.window("shop", RATE), two.window("shop", RATE)
        for second, wait in steps:
            window, now = windows[second], now + wait
            assert window is not None
            assert (window.used(now), window.left(now)) == (alone.used(now), alone.left(now))
            assert window.seconds_until_one(now) == alone.seconds_until_one(now)
            assert window.take(now) == alone.take(now)


def test_processes_at_once_lose_no_request_and_let_none_too_many_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OTHER_PROCESS.format(folder=str(tmp_path))]
    started = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sum(int(process.communicate()[0]) for process in started) == 1_000


def test_a_key_has_one_window_in_all_processes_and_another_key_its_own(
    tmp_path: Path, both: tuple[SharedWindows, SharedWindows]
) -> None:
    keyring = Keyring("auto", True, tmp_path / "seen")
    one, two = (Admission(keyring, None, lambda: 1_000.0, windows) for windows in both)
    assert [admission.take(SHOP) for admission in (one, two) * 6] == [True] * 10 + [False] * 2
    assert two.headers(SHOP)[1] == (b"ratelimit-remaining", b"0")
    assert one.too_many(SHOP).status == 429
    assert one.take(Key("4e5f6a7b", "other", READ, "", 0, "10/m"))
    assert two.take(Key(SHOP.id, "shop", READ, "", 0, "20/m"))  # another rate begins another window


def test_more_keys_than_there_is_room_for_count_in_each_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shared, "SLOTS", 4)
    with closing(SharedWindows(tmp_path)) as windows:
        assert [windows.window(f"key {k}", RATE) is None for k in range(6)] == [False] * 4 + [True] * 2
        admission = Admission(Keyring("auto", True, tmp_path / "seen"), None, lambda: 1_000.0, windows)
        assert [admission.take(SHOP) for _ in range(12)] == [True] * 10 + [False] * 2
