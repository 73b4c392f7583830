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
        longer than `seconds`; what runs then still ends, and counts until it does."""
        if self.busy > self.queue:
            raise Refusal(503, "the server is busy", retry_after=1)
        self.busy += 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, work)
        running.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(running), seconds)
        except TimeoutError:
            raise Refusal(504, "the picture took too long") from None

    def _ended(self, future: asyncio.Future[T]) -> None:
        self.busy -= 1
        if not future.cancelled():
            future.exception()  # the caller may be gone; an error nobody asks for is not news

    def close(self) -> None:
        """Finish what runs and waits."""
        self._pool.shutdown(wait=True)
