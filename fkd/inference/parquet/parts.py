"""Making the parts of a table: the same calls on one machine and on many."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fkd.inference.parquet import files
from fkd.inference.parquet.job import Job, Options
from fkd.inference.parquet.rows import Counts, counts_of, photo_rows
from fkd.inference.parquet.sources import is_web
from fkd.inference.parquet.table import PartWriter, counts_in
from fkd.inference.predictor import Predictor
from fkd.io.files import reason
from fkd.io.images import ImageError, Picture, decode_picture, is_address, read_picture

FOOTERS_AT_ONCE = 16


def open_predictor(options: Options, model: str | Path | None = None) -> Predictor:
    """A predictor of one thread for a job. model: where its model's file is, if elsewhere."""
    return Predictor(
        model or options.model,
        backend=options.backend,
        detector=options.detector,
        threads=1,
        min_face=options.min_face,
        min_score=options.min_score,
    )


def finished_parts(job: Job) -> dict[int, Counts]:
    """What the parts that are there hold, by their numbers."""
    there = {entry.place for entry in files.entries(job.output)}
    numbers = [number for number in range(job.parts) if job.part(number) in there]
    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as threads:
        counts = threads.map(lambda number: counts_in(job.part(number)), numbers)
        return {n: held for n, held in zip(numbers, counts, strict=True) if held is not None}


def write_part(predictor: Predictor, job: Job, number: int) -> Iterator[Counts]:
    """Make a part; yields the counts of each photo when it is done. One photo at a time is in
    memory. Raises OSError where the part cannot be written."""
    with files.written(job.part(number)) as path, PartWriter(path) as writer:
        for photo in job.planned(number):
            rows = photo_rows(predictor, job.options.model, _text(photo.uri), picture(photo.uri))
            counts = counts_of(rows)
            writer.add(rows, counts)
            yield counts


def infer_here(job: Job, numbers: Sequence[int], predictor: Predictor) -> Iterator[Counts]:
    """Make parts one after the other in this process; yields the counts of each photo."""
    for number in numbers:
        yield from write_part(predictor, job, number)


def remove_partial_files(job: Job) -> None:
    """What runs that were stopped left of parts that are there now."""
    if not is_address(job.output):
        for left in Path(job.output).glob(".part-*.parquet"):
            left.unlink(missing_ok=True)


def picture(uri: str) -> Picture | ImageError:
    """The photo at a place, or why it cannot be read."""
    try:
        return read_picture(uri) if is_web(uri) else decode_picture(files.read(uri), uri)
    except ImageError as error:
        return error
    except OSError as error:
        return ImageError(reason(error))


def _text(uri: str) -> str:
    """A place as text that Unicode can hold, with bytes of a path that are no UTF-8 written out."""
    return uri.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
