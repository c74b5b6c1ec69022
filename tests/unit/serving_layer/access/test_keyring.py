"""The keys as a process follows them: whatever a look meets, the next one comes."""

from pathlib import Path

from adapters.records.books import KEYS
from adapters.records.keys import create_key, revoke_key
from adapters.stores.memory import MemoryStore
from serving_layer.access.keyring import AUTO, Keyring


def test_a_record_that_cannot_be_read_leaves_the_keys_and_the_next_look_reads_them(tmp_path: Path) -> None:
    store, ring = MemoryStore(), Keyring(AUTO, local=True, seen=tmp_path / "seen")
    key, _ = create_key(store, "shop", "read", "", 1)
    good = store.record(KEYS)
    for broken in (b"{", b'{"keys": 5}', b'{"keys": [{"id": 1}]}', b"\xff"):
        ring.look(store)
        assert ring.known is not None
        assert set(ring.known.keys) == {key.id}
        assert store.swap(KEYS, store.record(KEYS), broken)
        ring.look(store)
        assert set(ring.known.keys) == {key.id}
        assert ring.why_unknown
        assert store.swap(KEYS, broken, good or b"")
    revoke_key(store, "shop", 2)
    ring.look(store)
    assert ring.known is not None
    assert not ring.known.keys
    assert ring.required


def test_a_home_that_takes_no_file_keeps_nobody_from_following_the_keys(tmp_path: Path) -> None:
    store, ring = MemoryStore(), Keyring(AUTO, local=True, seen=tmp_path / "no such folder" / "seen")
    create_key(store, "shop", "read", "", 1)
    ring.look(store)
    assert ring.required
    revoke_key(store, "shop", 2)
    ring.look(store)
    assert ring.known is not None
    assert not ring.known.keys
