"""One thread that looks at pictures, and the queue before it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fkd.server.refusal import Refusal

T = TypeVar("T")


class Worker:
    """Runs work off the event loop, one piece at a time: the network uses all cores for one."""

    def __init__(self, queue: int) -> None:
        self.queue = queue
        self.busy = 0  # pieces that wait or run
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="fkd")

    async def run(self, work: Callable[[], T], seconds: float) -> T:
        """The result of the work. Raises Refusal: 503 when the queue is full, 504 when it takes
        longer than `seconds`. Work that nobody waits for any more and that has not begun is
        dropped; what has begun ends, and counts until it does."""
        if self.busy > self.queue:
            raise Refusal(503, "the server is busy", retry_after=1)
        self.busy += 1
        loop = asyncio.get_running_loop()
        job = self._pool.submit(work)
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._ended))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(job), seconds)
        except TimeoutError:
            raise Refusal(504, "the picture took too long") from None

    def _ended(self) -> None:
        self.busy -= 1

    def close(self) -> None:
        """Finish what runs and waits."""
        self._pool.shutdown(wait=True)
