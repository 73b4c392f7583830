"""Preparing faces on a cluster: a task makes a shard, on whichever node it runs."""

import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from fkd.cluster.connection import ClusterError, connected
from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare_shards import Destination, PreparedShard, pieces, prepare_piece
from fkd.datasets.sample import Sample
from fkd.io.files import write_whole

# A task is done again so often when its node dies.
RETRIES = 5
# Shards under way for each core: enough for a node to have work when it is done with one.
AHEAD = 2


class Made(NamedTuple):
    """A shard, and its bytes where it goes to the folder of the one who asked for it."""

    shard: PreparedShard
    data: bytes


def prepare_on_ray(
    samples: Sequence[Sample],
    params: PrepareParams,
    to: Destination,
    on_progress: Callable[[int], None],
) -> Iterator[PreparedShard]:
    """`prepare_shards` by the nodes of a cluster: the same shards in the same order. Raises
    ClusterError besides."""
    ray = connected()
    task = ray.remote(_make).options(max_retries=RETRIES)
    ahead = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    under_way: deque[tuple[Any, int]] = deque()
    done = 0
    waiting = iter(pieces(samples, params))
    while True:
        while len(under_way) < ahead and (piece := next(waiting, None)):
            under_way.append((task.remote(piece, params, to.uri, to.whole_photo), len(piece)))
        if not under_way:
            return
        reference, count = under_way.popleft()
        made = _result(ray, reference)
        if made.data:
            write_whole(to.folder / made.shard.saved.name, made.data)
        done += count
        on_progress(done)
        yield made.shard


def _make(samples: Sequence[Sample], params: PrepareParams, uri: str, whole_photo: bool) -> Made:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        shard = prepare_piece(samples, params, Destination(Path(folder), uri, whole_photo))
        return Made(shard, b"" if uri else (Path(folder) / shard.saved.name).read_bytes())


def _result(ray: Any, reference: Any) -> Made:
    try:
        made: Made = ray.get(reference)
    except ray.exceptions.RayError as error:
        lines = str(error).strip().split("\n")
        raise ClusterError(f"a node could not prepare its faces ({lines[-1].strip()})") from None
    return made
