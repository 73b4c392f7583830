"""Work on many items with several processes."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import cv2

# A process is started for this many items at least: that takes seconds.
AT_LEAST = 32
A = TypeVar("A")
B = TypeVar("B")


def in_parallel(work: Callable[[A], B], items: Sequence[A], num_workers: int) -> Iterator[B]:
    """Results in the order of the items, so that they do not depend on the number of workers; 0
    workers are one for each core."""
    count = min(num_workers or os.cpu_count() or 1, len(items) // AT_LEAST)
    if count <= 1:
        yield from map(work, items)
        return
    # Not forked: OpenCV's threads do not survive that. Not a Pool: it waits forever for a worker
    # that was killed.
    with ProcessPoolExecutor(
        count,
        mp_context=get_context("forkserver"),
        initializer=cv2.setNumThreads,
        initargs=(1,),
    ) as pool:
        yield from pool.map(work, items, chunksize=8)
