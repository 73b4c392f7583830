"""HTTP/1.1 with a limit on silent connections."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# From the opening of a connection to the end of the first request's headers.
HEADERS_SECONDS = 10.0
BUSY_BODY = b'{"error":"the server has too many connections"}'
BUSY_RESPONSE = (
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\nretry-after: 1\r\nconnection: close\r\n\r\n%s"
) % (len(BUSY_BODY), BUSY_BODY)


class TimeoutProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which also closes connections on which no request begins: otherwise
    silent ones could take all places. A connection too many is answered at once and in JSON;
    uvicorn itself answers in plain text, and only when the request has been read."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timeout, or refuse the connection."""
        super().connection_made(transport)
        if self.limit_concurrency and len(self.connections) >= self.limit_concurrency:
            transport.write(BUSY_RESPONSE)
            transport.close()
            return
        self.loop.call_later(HEADERS_SECONDS, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None and self in self.connections:
            self.transport.close()
