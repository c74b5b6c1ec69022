"""A connection that answers plain lookups itself, as soon as their header is there."""

from typing import Any

from serving_layer.http.at_once import AT_ONCE, Answer, AtOnce
from serving_layer.http.protocol import Connection
from serving_layer.live.hub import Hub
from serving_layer.routes.encoding import MEDIA_TYPE
from serving_layer.routes.live import HUB

STATUS, KIND = b"HTTP/1.1 200 OK\r\n", f"content-type: {MEDIA_TYPE}\r\n".encode()


class PromptConnection(Connection):
    """Answers one plain request of what arrives together; others are tasks, so that none holds up other clients."""

    has_turn, answered = True, False

    def data_received(self, data: bytes) -> None:
        """Take what has come; the first request in it may be answered at once."""
        self.has_turn, self.answered = True, False
        super().data_received(data)

    def shutdown(self) -> None:
        """Answer what is under way and end; a stream of a page would go on for as long as the page is open."""
        hub: Hub | None = self.app_state.get(HUB)
        if hub is not None:
            hub.close()
        super().shutdown()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        answer = self._answer_at_once(cycle) if self.has_turn and cycle.keep_alive else None
        if answer is None:
            super()._start_asgi_task(cycle, app)
            return
        self.has_turn, self.answered = False, True
        self.transport.write(self._head(answer) + answer.body)
        cycle.response_started = cycle.response_complete = True
        cycle.on_response()
        cycle.on_response = _nothing  # the cycle holds this connection otherwise

    def _answer_at_once(self, cycle: Any) -> Answer | None:
        at_once: AtOnce | None = self.app_state.get(AT_ONCE)
        if at_once is None or self.flow.write_paused or self.transport.is_closing():
            return None
        return at_once.answer(cycle.scope)

    def _head(self, answer: Answer) -> bytes:
        headers = [*self.server_state.default_headers, *answer.headers]
        named = b"".join([b"%b: %b\r\n" % header for header in headers])
        return b"%bcontent-length: %d\r\n%b\r\n" % (STATUS + named, len(answer.body), KIND)

    def _watch(self) -> None:
        if self.answered and not self.in_header:  # such a request has no body: nothing of it is awaited
            self._forget_timer()
        else:
            super()._watch()


def _nothing() -> None:
    pass
