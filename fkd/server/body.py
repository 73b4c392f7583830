"""Reading the pictures of requests, within limits and without temporary files."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from fkd.server.errors import ApiError
from fkd.server.settings import Settings


class Bodies:
    """The bodies that are in memory."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.bytes = 0  # of all requests together

    @asynccontextmanager
    async def picture(self, request: Request) -> AsyncIterator[bytes]:
        """The bytes of the picture: the body itself, or the first file of a form. They count
        against `settings.bodies_bytes` until the context ends.

        Raises ApiError: 413 too large, 408 too slow, 400 cut off, 422 empty or a form without a
        file, 503 too many bodies at once.
        """
        limit, own = self.settings.max_bytes, 0
        too_large = ApiError(413, f"the body is larger than {limit} bytes")
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > limit:
            raise too_large

        async def chunks() -> AsyncGenerator[bytes, None]:
            nonlocal own
            async for chunk in request.stream():
                own += len(chunk)
                self.bytes += len(chunk)
                if own > limit:
                    raise too_large
                if self.bytes > self.settings.bodies_bytes:
                    raise ApiError(503, "the server has too many uploads", retry_after=1)
                yield chunk

        try:
            yield await _read(request, chunks(), self.settings.seconds)
        finally:
            self.bytes -= own


async def _read(request: Request, chunks: AsyncGenerator[bytes, None], seconds: float) -> bytes:
    form = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    reading = _file_of_form(request, chunks) if form else _whole(chunks)
    try:
        picture = await asyncio.wait_for(reading, seconds)
    except ClientDisconnect:
        raise ApiError(400, "the body was cut off") from None
    except TimeoutError:
        raise ApiError(408, f"the body did not arrive within {seconds:g} seconds") from None
    if not picture:
        raise ApiError(422, "the body is empty; a picture is expected")
    return picture


async def _whole(chunks: AsyncGenerator[bytes, None]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


async def _file_of_form(request: Request, chunks: AsyncGenerator[bytes, None]) -> bytes:
    parser = MultiPartParser(request.headers, chunks)
    parser.spool_max_size = sys.maxsize  # never on disk
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise ApiError(422, "the form cannot be read") from None
    for value in form.values():
        if isinstance(value, UploadFile):
            return await value.read()
    raise ApiError(422, "the form has no file")
