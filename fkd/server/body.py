"""Reading a picture out of a request, within limits, in memory alone."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from fkd.server.refusal import Refusal


async def read_picture(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The bytes of the picture: the body itself, or the first file of a form.

    Raises Refusal: 413 too large, 408 too slow, 400 cut off, 422 empty or a form without a file.
    """
    try:
        body = await asyncio.wait_for(_read(request, max_bytes), seconds)
    except ClientDisconnect:
        raise Refusal(400, "the body ended too early") from None
    except TimeoutError:
        raise Refusal(408, f"the body did not come within {seconds:g} seconds") from None
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        body = await _file_of_form(request, body)
    if not body:
        raise Refusal(422, "the body is empty; a picture is expected")
    return body


async def _read(request: Request, max_bytes: int) -> bytes:
    too_large = Refusal(413, f"the body is larger than {max_bytes} bytes")
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)


async def _file_of_form(request: Request, body: bytes) -> bytes:
    async def whole() -> AsyncIterator[bytes]:
        yield body

    parser = MultiPartParser(request.headers, whole())  # type: ignore[arg-type]
    parser.spool_max_size = len(body) + 1  # never on disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise Refusal(422, "the form cannot be read") from None
    for value in form.values():
        if isinstance(value, UploadFile):
            return await value.read()
    raise Refusal(422, "the form has no file")
