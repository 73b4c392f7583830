"""How long a connection waits for its client: to begin a request, and to take the answer."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLIENT_SECONDS = 10.0


class Client:
    """The other end of a connection. It is cut off when no complete request head arrives within
    CLIENT_SECONDS of the opening or of the last answer: bytes alone do not prolong that.

    waited_for_since: when it became the client's turn, seconds of the event loop; None while it is
    the server's.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._requests = 0  # being answered; two for a moment when a client sends ahead
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(CLIENT_SECONDS, self.cut_off)
        self.waited_for_since: float | None = self._loop.time()

    def wait(self) -> None:
        """It is the client's turn, for at most CLIENT_SECONDS."""
        self._timer.cancel()
        self._timer = self._loop.call_later(CLIENT_SECONDS, self.cut_off)
        self.waited_for_since = self._loop.time()

    def cut_off(self) -> None:
        """Close the connection at once; what the client has not taken is dropped."""
        self._timer.cancel()
        self.waited_for_since = None
        self.transport.abort()

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request is being answered; its body may still be on the way."""
        self._timer.cancel()
        self._requests += 1
        self.waited_for_since = self._loop.time()
        try:
            yield
        finally:
            self._requests -= 1
            if not self._requests:
                self.wait()

    async def take(self, send: Send, message: Message) -> None:
        """Send a part of an answer; the client is cut off when it does not take it in time."""
        self.waited_for_since = self._loop.time()
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                await send(message)
            self.waited_for_since = None
        except TimeoutError:
            self.cut_off()


class ClientTimeouts:
    """The outermost ASGI application: tells the Client of each request, which the connection has
    put into the request's state, whose turn it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        client: Client = scope["state"]["client"]

        async def receive_body() -> Message:
            message = await receive()
            if not message.get("more_body"):
                client.waited_for_since = None
            return message

        async def send_in_time(message: Message) -> None:
            await client.take(send, message)

        with client.request():
            await self.app(scope, receive_body, send_in_time)
