"""Reading the picture of a request, within limits and without temporary files."""

import asyncio
from collections.abc import AsyncIterator

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from fkd.server.errors import ApiError


async def read_picture(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The bytes of the picture: the body itself, or the first file of a form.

    Raises ApiError: 413 too large, 408 too slow, 400 cut off, 422 empty or a form without a file.
    """
    try:
        body = await asyncio.wait_for(_read(request, max_bytes), seconds)
    except ClientDisconnect:
        raise ApiError(400, "the body was cut off") from None
    except TimeoutError:
        raise ApiError(408, f"the body did not arrive within {seconds:g} seconds") from None
    if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        body = await _file_of_form(request, body)
    if not body:
        raise ApiError(422, "the body is empty; a picture is expected")
    return body


async def _read(request: Request, max_bytes: int) -> bytes:
    too_large = ApiError(413, f"the body is larger than {max_bytes} bytes")
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
        raise ApiError(422, "the form cannot be read") from None
    for value in form.values():
        if isinstance(value, UploadFile):
            return await value.read()
    raise ApiError(422, "the form has no file")
