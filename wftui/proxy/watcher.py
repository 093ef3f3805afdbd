"""Reads one connection along, from a copy of what passed in both directions."""

import re
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVarTuple

from wftui.proxy.framing import (
    INTERIM,
    NO_BODY,
    TUNNEL,
    UNTIL_CLOSE,
    Framing,
    Head,
    NotHttpError,
    length,
)
from wftui.proxy.operation import ABORTED, FAILED, Operation, Record

_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2})(?: |\Z)")
_REQUEST: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ ]+ HTTP/1\.[01]\Z")
_PIPELINED: Final = 1_000
_Arguments = TypeVarTuple("_Arguments")


class Watcher:
    """What one connection carries. Its methods never raise: what cannot be read ends the measuring.

    ``unread`` is called once if that happens, with the reason.
    """

    __slots__ = ("_answers", "_asking", "_blind", "_open", "_record", "_requests", "_unread")

    def __init__(self, record: Record, unread: Callable[[str], None]) -> None:
        self._record = record
        self._unread = unread
        self._blind = False
        self._asking: Operation | None = None  # its request is still coming
        self._open: deque[Operation] = deque()  # without a whole answer; the first is being answered
        self._requests = Framing(self._request_head, self._request_body, self._request_end)
        self._answers = Framing(self._answer_head, self._answer_body, self._answer_end)

    @property
    def idle(self) -> bool:
        """No request is open. Of a connection that cannot be read nobody knows: it is not idle."""
        return not self._blind and not self._open and self._asking is None

    def sent(self, data: bytes, now_ns: int) -> None:
        """Bytes of the client."""
        self._guarded(self._requests.feed, data, now_ns)

    def received(self, data: bytes, now_ns: int) -> None:
        """Bytes of the server."""
        self._guarded(self._answers.feed, data, now_ns)

    def answers_ended(self, _: bytes, now_ns: int) -> None:
        """The server ended its side in good order."""
        self._guarded(self._answers.close, now_ns)

    def closed_by_client(self, _: bytes, now_ns: int) -> None:
        """The connection is over, and the client ended it first."""
        self._closed(ABORTED, now_ns)

    def closed_by_server(self, _: bytes, now_ns: int) -> None:
        """The connection is over, and the server ended it first."""
        self._closed(FAILED, now_ns)

    def _closed(self, how: str, now_ns: int) -> None:
        self._guarded(self._break, how, now_ns)
        self._forget()

    def _break(self, how: str, now_ns: int) -> None:
        for operation in self._open:
            operation.broken(how, now_ns)

    def _guarded(self, read: Callable[[*_Arguments], None], *arguments: *_Arguments) -> None:
        if self._blind:
            return
        try:
            read(*arguments)
        except NotHttpError as error:
            self._stop(str(error))
        except Exception as error:  # noqa: BLE001  measuring may never end what it measures
            # The kind only: the words of an error may quote what was read.
            self._stop(type(error).__name__)

    def _forget(self) -> None:
        self._blind = True
        self._asking = None
        now_ns = max(self._requests.now_ns, self._answers.now_ns)
        for operation in self._open:
            operation.forgotten(now_ns)
        self._open.clear()

    def _stop(self, why: str) -> None:
        self._forget()
        self._unread(why)

    def _request_head(self, head: Head) -> int:
        if not _REQUEST.match(head.start) or len(self._open) >= _PIPELINED:
            raise NotHttpError("a request that is none of HTTP/1.1")
        self._asking = Operation(head, self._requests.began_ns, self._record)
        self._open.append(self._asking)
        return length(head.fields, NO_BODY)

    def _request_body(self, data: bytes) -> None:
        if self._asking is not None:
            self._asking.request(data)

    def _request_end(self) -> None:
        if self._asking is not None:
            self._asking.requested(self._requests.now_ns)
            self._asking = None

    def _answer_head(self, head: Head) -> int:
        found = _STATUS.match(head.start)
        if found is None:
            raise NotHttpError("an answer that is none of HTTP/1.1")
        status = int(found[1])
        if status == 101:
            return self._tunnel()
        if status < 200:
            return INTERIM
        if not self._open:
            raise NotHttpError("an answer that nobody asked for")
        operation = self._open[0]
        if operation.method == b"CONNECT" and status < 300:
            return self._tunnel()
        operation.answered(status, head.fields)
        if operation.method == b"HEAD" or status in (204, 304):
            return NO_BODY
        return length(head.fields, UNTIL_CLOSE)

    def _tunnel(self) -> int:
        self._forget()
        return TUNNEL

    def _answer_body(self, data: bytes) -> None:
        self._open[0].answer(data, self._answers.now_ns)

    def _answer_end(self) -> None:
        operation = self._open.popleft()
        operation.ended(self._answers.now_ns)
        if operation.expects and operation is self._asking:
            # It waited for "100 Continue" and got its answer first: its body may come or not, nobody can tell.
            raise NotHttpError("a request that stopped half way")
