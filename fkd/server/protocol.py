"""HTTP connections that do not wait for ever."""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

# From the connection to the end of the first request's headers.
HEADERS_WITHIN = 10.0


class ImpatientProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, closing a connection on which no request begins: silent ones would keep
    all places that the server has."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self.loop.call_later(HEADERS_WITHIN, self._close_if_silent)

    def _close_if_silent(self) -> None:
        if self.cycle is None and self in self.connections:
            self.transport.close()
