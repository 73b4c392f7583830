"""HTTP connections that do not wait for ever."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# From the connection to the end of the first request's headers.
HEADERS_WITHIN = 10.0
BUSY_REASON = b'{"error":"the server has as many connections as it allows"}'
BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%s"
) % (len(BUSY_REASON), BUSY_REASON)


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, closing a connection on which no request begins: silent ones would keep
    all places that the server has. One too many is told so in JSON, where uvicorn's own words for
    it are plain text and come late, once the request has been read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock, or turn away."""
        super().connection_made(transport)
        if self.limit_concurrency and len(self.connections) >= self.limit_concurrency:
            transport.write(BUSY)
            transport.close()
            return
        self.loop.call_later(HEADERS_WITHIN, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None and self in self.connections:
            self.transport.close()
