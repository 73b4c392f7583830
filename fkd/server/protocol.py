"""HTTP/1.1 and WebSocket connections that a client cannot hold for good, nor make costly.

uvicorn's own idle timeout is rearmed by every byte; hypercorn's is not, but it limits neither the
number of connections nor the time in which an answer must be taken. What is used of uvicorn beside
the methods of asyncio.Protocol: `connections`, `limit_concurrency`, `conn`, `send_400_response` and
`app_state`, which becomes the state of each request and passes to the WebSocket that a connection
turns into.
"""

import asyncio
import socket
import struct
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from fkd.server.clients import Client
from fkd.server.frames import FrameCounter

# A client that has been waited for so long is cut off when a new one needs the place.
GRACE_SECONDS = 1.0
# Bytes of answers that the system keeps for a client. By itself it would keep megabytes, and one
# who asks without reading would be answered hundreds of times before that is noticed.
SEND_BUFFER = 65_536
# Messages, their fragments, pings. Video at 60 frames a second in 16 fragments each is below it.
FRAMES_PER_SECOND = 1000

BUSY_BODY = b'{"error":"the server has too many connections"}'
BUSY_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%s"
) % (len(BUSY_BODY), BUSY_BODY)
UNREADABLE_BODY = b'{"error":"the request is not valid HTTP/1.1, or its body comes in chunks"}'
_REASON = b"too many frames"
TOO_MANY_FRAMES = struct.pack(">BBH", 0x88, 2 + len(_REASON), 1008) + _REASON


class _WholeBodies(h11.Connection):
    """h11's connection without bodies in chunks: each chunk costs as much as a picture's 64 kB."""

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request) and b"transfer-encoding" in dict(event.headers):
            raise h11.RemoteProtocolError("a body in chunks")
        return event


class HttpConnection(H11Protocol):
    """uvicorn's HTTP/1.1, whose `limit_concurrency` is the number of open connections: one too
    many takes the place of the client that has been waited for longest, or is answered with 503."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _WholeBodies(h11.SERVER)
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the client, or refuse it."""
        super().connection_made(transport)
        opened: socket.socket = transport.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.app_state = {**self.app_state, "client": Client(transport)}
        # uvicorn would refuse in plain text, and only when it has read the request.
        places, self.limit_concurrency = self.limit_concurrency, None
        if places and len(self.connections) > places and not self._make_room():
            self.connections.discard(self)
            transport.write(BUSY_RESPONSE)
            transport.close()

    def _make_room(self) -> bool:
        latest = self.loop.time() - GRACE_SECONDS
        clients: list[Client] = [other.app_state["client"] for other in self.connections]
        waited = [(client.waited_for_since, client) for client in clients]
        late = [(since, client) for since, client in waited if since is not None and since < latest]
        if not late:
            return False
        min(late, key=lambda item: item[0])[1].cut_off()
        return True

    def data_received(self, data: bytes) -> None:
        """Read on, unless the request was refused: then what still comes is dropped, because a
        closed socket would reset the connection and the client might never see why."""
        if not self._refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Refuse, in JSON, what cannot be read; the client is cut off as one that is idle."""
        self._refused = True
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(UNREADABLE_BODY))),
            ("connection", "close"),
        ]
        answer = (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=UNREADABLE_BODY),
            h11.EndOfMessage(),
        )
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in answer))


class StreamConnection(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, closed with 1008 when it gets more than FRAMES_PER_SECOND."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counter: FrameCounter | None = None  # until the request has been read
        self._second, self._frames, self._refused = 0, 0, False

    def data_received(self, data: bytes) -> None:
        """Read on while there are not too many frames; then what still comes is dropped."""
        if self._counter is None:  # the HTTP connection hands over the head of the request
            self._counter = FrameCounter()
        elif self._refused or self._too_many(data, self._counter):
            return
        super().data_received(data)

    def _too_many(self, data: bytes, counter: FrameCounter) -> bool:
        if int(self.loop.time()) != self._second:
            self._second, self._frames = int(self.loop.time()), 0
        self._frames += counter.count(data, FRAMES_PER_SECOND + 1 - self._frames)
        self._refused = self._frames > FRAMES_PER_SECOND
        if self._refused:
            self.transport.write(TOO_MANY_FRAMES)
            self.app_state["client"].wait()
        return self._refused
