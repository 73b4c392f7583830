"""Preparing samples shard by shard: each is written as soon as its faces are there."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from fkd.datasets.params import PrepareParams
from fkd.datasets.prepare import Rejected, prepare_face, prepare_faces
from fkd.datasets.sample import Sample
from fkd.datasets.saving import SavedShard, save_shard
from fkd.datasets.store import LabelledFace

TOLD_EVERY = 250  # faces


class Destination(NamedTuple):
    """Where a part's faces go. folder: of its table. uri: of its shards, "" for the folder too.
    whole_photo: whether all of the photos is kept, as of `prepare_face`."""

    folder: Path
    uri: str
    whole_photo: bool


class PreparedShard(NamedTuple):
    """The usable faces of some samples, which are written, and those left out."""

    saved: SavedShard
    rejected: list[Rejected]


def pieces(samples: Sequence[Sample], params: PrepareParams) -> list[Sequence[Sample]]:
    """The samples of each shard. Whoever prepares them, and in which order, the shards are the
    same."""
    each = params.faces_per_shard
    return [samples[start : start + each] for start in range(0, len(samples), each)]


def prepare_shards(
    samples: Sequence[Sample],
    params: PrepareParams,
    to: Destination,
    on_progress: Callable[[int], None],
) -> Iterator[PreparedShard]:
    """Prepare all samples with the processes of this machine. on_progress: told how many samples
    are done. Raises OSError, BadDataset."""
    prepared = _told(prepare_faces(samples, params, to.whole_photo), len(samples), on_progress)
    for piece in pieces(samples, params):
        yield _saved(islice(prepared, len(piece)), to)


def prepare_piece(
    samples: Sequence[Sample], params: PrepareParams, to: Destination
) -> PreparedShard:
    """Prepare the samples of one shard in this process. Raises OSError, BadDataset."""
    return _saved((prepare_face(sample, params, to.whole_photo) for sample in samples), to)


def _saved(prepared: Iterator[LabelledFace | Rejected], to: Destination) -> PreparedShard:
    rejected: list[Rejected] = []

    def usable() -> Iterator[LabelledFace]:
        for face in prepared:
            if isinstance(face, Rejected):
                rejected.append(face)
            else:
                yield face

    return PreparedShard(save_shard(usable(), to.folder, to.uri), rejected)


def _told(
    prepared: Iterator[LabelledFace | Rejected], count: int, on_progress: Callable[[int], None]
) -> Iterator[LabelledFace | Rejected]:
    for done, face in enumerate(prepared, start=1):
        yield face
        if done % TOLD_EVERY == 0 or done == count:
            on_progress(done)
