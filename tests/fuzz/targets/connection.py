"""All that a client sends on one connection: requests, and what follows the upgrade to a stream."""

import asyncio
import socket
import struct
from functools import cache

import uvicorn
from uvicorn.server import ServerState

from fkd.inference.predictor import Predictor
from fkd.server.app import create_app
from fkd.server.run import uvicorn_config
from fkd.server.settings import Settings
from fuzz.memory import memory_below
from fuzz.pictures import png_of

MEGABYTES, PIECE = 200, 1000
HEAD = b" HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"GET /v1/stream" + HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
BINARY, MORE, TEXT, CLOSE, PING, LAST = 2, 0, 1, 8, 9, 128
SERVER_ERRORS = (b"HTTP/1.1 500", struct.pack(">H", 1011))


class Transport(asyncio.Transport):
    """Keeps what is written to it; its socket leads nowhere."""

    def __init__(self, socket: socket.socket) -> None:
        super().__init__({"socket": socket})
        self.written, self.closed = b"", False

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def set_protocol(self, protocol: asyncio.Protocol) -> None:
        self.protocol = protocol

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


def seeds() -> list[bytes]:
    """Requests of each kind, and a stream with frames of each kind."""
    picture = png_of(9)
    form = (
        b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        + picture
        + b"\r\n--x--\r\n"
    )
    kind = b"Content-Type: multipart/form-data; boundary=x\r\n"
    chunked = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    post = b"POST /v1/landmarks" + HEAD
    frames = (
        _frame(BINARY | LAST, picture) + _frame(BINARY, picture[:9]) + _frame(PING | LAST, b"a")
    )
    frames += (
        _frame(MORE | LAST, picture[9:]) + _frame(TEXT | LAST, b"{}") + _frame(CLOSE | LAST, b"")
    )
    return [
        *(
            b"GET " + path + HEAD + b"\r\n"
            for path in (b"/healthz", b"/metrics", b"/v1/model?model=a")
        ),
        post + b"Content-Length: %d\r\n\r\n%b" % (len(picture), picture),
        post + kind + b"Content-Length: %d\r\n\r\n%b" % (len(form), form),
        post + chunked % (len(picture), picture),
        UPGRADE,
        UPGRADE + frames,
    ]


def _frame(kind: int, content: bytes) -> bytes:
    """A frame of a client: masked, with zeros."""
    length = len(content)
    size = bytes([128 | length]) if length < 126 else struct.pack(">BH", 128 | 126, length)
    return bytes([kind]) + size + bytes(4) + content


@cache
def _server() -> tuple[asyncio.AbstractEventLoop, uvicorn.Config]:
    settings = Settings(seconds=2, hosts=("*",))
    app = create_app({"nano": Predictor("nano", threads=1)}, settings)
    config = uvicorn_config(app, settings)
    config.load()
    return asyncio.new_event_loop(), config


def check(data: bytes) -> None:
    """No task of the server fails, and it never blames itself."""
    loop, config = _server()
    faults: list[dict] = []
    loop.set_exception_handler(lambda _, context: faults.append(context))
    with memory_below(MEGABYTES):
        written = loop.run_until_complete(_talk(config, data))
    assert not faults, faults
    assert not any(error in written for error in SERVER_ERRORS), written


async def _talk(config: uvicorn.Config, data: bytes) -> bytes:
    """What the server answers to a client that sends some bytes and leaves."""
    state = ServerState()
    with socket.socket() as nowhere:
        transport = Transport(nowhere)
        protocol = config.http_protocol_class(config, state, {})
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        for start in range(0, len(data), PIECE):
            if not transport.closed:
                transport.protocol.data_received(data[start : start + PIECE])
                await asyncio.sleep(0)
        for _ in range(20):  # most answers are ready by then; a decoded picture's may be cut off
            await asyncio.sleep(0)
        transport.protocol.connection_lost(None)
        if state.tasks:
            await asyncio.wait(state.tasks, timeout=5)
    assert not state.tasks, "a request goes on without its client"
    return transport.written
