"""Who computes first: nobody waits for ever for anybody."""

import threading
from contextlib import ExitStack

from serving_layer.reading.way import READ_AT_ONCE, Way


def test_answers_that_a_store_keeps_waiting_do_not_keep_others() -> None:
    way = Way()
    with ExitStack() as kept:
        for _ in range(READ_AT_ONCE + 2):  # the last ones have no turn, and go on all the same
            kept.enter_context(way.turn())
    with ExitStack() as all_again:
        for _ in range(READ_AT_ONCE):
            all_again.enter_context(way.turn())


def test_an_answer_gives_way_to_a_look_that_computes_and_goes_on_after_it() -> None:
    way, order = Way(), list[str]()
    begun, may_end = threading.Event(), threading.Event()

    def look() -> None:
        with way.taken():
            begun.set()
            may_end.wait(10)
            order.append("look")

    thread = threading.Thread(target=look)
    thread.start()
    begun.wait(10)
    way.give()  # ends although the look goes on
    assert order == []
    may_end.set()
    thread.join()
    way.give()
    assert order == ["look"]
