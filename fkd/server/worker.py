"""The thread that processes pictures, and the queue before it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fkd.server.errors import ApiError

T = TypeVar("T")


class Worker:
    """Runs jobs outside the event loop, one at a time: the network uses all cores for each."""

    def __init__(self, queue: int) -> None:
        """queue: how many jobs may wait."""
        self.queue = queue
        self.busy = 0  # jobs that wait or run
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fkd")

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """The result of the work. Raises ApiError: 503 when the queue is full, 504 when it takes
        longer than `seconds`. A job that has timed out before it began is dropped; one that runs is
        left to end, and counts until it does."""
        if self.busy > self.queue:
            raise ApiError(503, "the server is busy", retry_after=1)
        self.busy += 1
        loop = asyncio.get_running_loop()
        job = self._pool.submit(work)
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job), seconds)
        except TimeoutError:
            raise ApiError(504, "the picture took too long") from None

    def _ended(self) -> None:
        self.busy -= 1

    def close(self) -> None:
        """Finish the jobs that run and wait."""
        self._pool.shutdown(wait=True)
