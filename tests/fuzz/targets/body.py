"""Bodies of requests: a content type in the first line, then the body itself, in pieces."""

import asyncio

from fastapi import Request

from fkd.server.body import Bodies
from fkd.server.errors import ApiError
from fkd.server.settings import Settings
from fuzz.memory import memory_below

SETTINGS = Settings(max_bytes=4096, seconds=5)
PIECE, MEGABYTES = 61, 100
FORM = (
    b"multipart/form-data; boundary=x\n"
    b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\ntext\r\n'
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n"
)


def seeds() -> list[bytes]:
    """A form with a picture, a bare picture, forms that are broken."""
    extended = FORM.replace(b'filename="', b"filename*=utf-8''")
    coded = FORM.replace(b"image/png", b"image/png\r\nContent-Transfer-Encoding: base64")
    broken = [FORM[:90], b"multipart/form-data\nx", b"multipart/form-data; boundary=\n--\r\n"]
    return [FORM, extended, coded, b"image/png\n\x89PNG", b"\n", *broken]


def check(data: bytes) -> None:
    """Some bytes come out, no more than are allowed, or ApiError that blames the client; either
    way they are no longer counted afterwards."""
    kind, _, body = data.partition(b"\n")
    bodies = Bodies(SETTINGS)
    try:
        with memory_below(MEGABYTES):
            picture = asyncio.run(_picture(bodies, _request(kind, body)))
        assert 0 < len(picture) <= SETTINGS.max_bytes, len(picture)
    except ApiError as error:
        assert error.status in (400, 408, 413, 422), error.status
    assert bodies.bytes == 0, bodies.bytes


async def _picture(bodies: Bodies, request: Request) -> bytes:
    async with bodies.picture(request) as picture:
        return picture


def _request(kind: bytes, body: bytes) -> Request:
    pieces = [body[start : start + PIECE] for start in range(0, len(body), PIECE)] or [b""]
    messages = [
        {"type": "http.request", "body": piece, "more_body": place < len(pieces) - 1}
        for place, piece in enumerate(pieces)
    ]

    async def receive() -> dict:
        return messages.pop(0)

    scope = {"type": "http", "method": "POST", "headers": [(b"content-type", kind)]}
    return Request(scope, receive)
