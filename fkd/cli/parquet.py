"""`fkd infer --parquet`: a table of the faces of any number of photos."""

import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import typer

from fkd.cli.app import fail, say
from fkd.cli.progress import bar_on_terminal
from fkd.io.files import sentence
from fkd.io.text import printable

if TYPE_CHECKING:
    from fkd.inference.parquet.job import Job
    from fkd.inference.parquet.rows import Counts
    from fkd.inference.predictor import Predictor

LINE_SECONDS = 30.0  # between two lines of progress where no terminal shows a bar


class Choices(NamedTuple):
    """What decides the faces that are found, as it was typed."""

    model: str
    backend: str
    detector: str
    min_face: int | None
    min_score: float | None


class Workers(NamedTuple):
    """What makes the parts: engine "local" or "ray", the cluster's address, and how many actors."""

    engine: str
    address: str | None
    actors: int | None


def make_table(
    paths: list[str],
    place: str,
    choices: Choices,
    part_mb: float,
    workers: Workers,
    predictor: "Predictor",
    fail_on_no_face: bool,
) -> None:
    """Make the table or go on with it, and leave with the code of what went wrong, if anything."""
    job = _opened(paths, place, choices, part_mb, workers)
    from fkd.inference.parquet.parts import finished_parts, remove_partial_files
    from fkd.inference.parquet.rows import Counts, add

    finished = finished_parts(job)
    counts = Counts()
    for held in finished.values():
        counts = add(counts, held)
    missing = [number for number in range(job.parts) if number not in finished]
    if finished:
        say(f"fkd: {place}: goes on; parts that are there: {len(finished):,} of {job.parts:,}")
    with TableProgress(job.photos, counts) as progress:
        for more in _made(job, missing, workers, predictor) if missing else ():
            progress.add(more)
    remove_partial_files(job)
    print(printable(f"{place}: {_many(job.parts, 'part')}, {progress.text()}"))
    if progress.counts.unread:
        raise typer.Exit(1)
    if fail_on_no_face and progress.counts.without_face:
        raise typer.Exit(3)


def _opened(
    paths: list[str], place: str, choices: Choices, part_mb: float, workers: Workers
) -> "Job":
    """The job; or one sentence and out, with nothing done."""
    from fkd.io.extras import install_hint

    try:
        from fkd.inference.parquet.job import JobError, Options, open_job
        from fkd.inference.parquet.sources import SourceError
    except ModuleNotFoundError as error:
        fail(f"--parquet: {error.name} is not installed; {install_hint('parquet')}")
    if workers.engine == "ray":
        from fkd.cluster.connection import ClusterError, connected

        try:
            connected(workers.address)
        except ClusterError as error:
            fail(f"--engine ray: {error}")
    try:
        return open_job(paths, place, Options(*choices), part_mb)
    except (JobError, SourceError) as error:
        fail(str(error))
    except OSError as error:
        fail(sentence(error))


def _made(
    job: "Job", numbers: Sequence[int], workers: Workers, predictor: "Predictor"
) -> Iterator["Counts"]:
    """The parts are made; yields counts as they come, or says why not, and out."""
    if workers.engine == "local":
        from fkd.inference.parquet.parts import infer_here

        yield from infer_here(job, numbers, predictor)
        return
    from fkd.cluster.connection import ClusterError
    from fkd.cluster.infer import infer_on_ray

    try:
        yield from infer_on_ray(job, numbers, workers.actors)
    except ClusterError as error:
        fail(str(error), 1)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


class TableProgress:
    """How far a table is: a bar on a terminal, else a line on standard error now and then."""

    def __init__(self, photos: int, there: "Counts") -> None:
        """photos: in all. there: of these, what is in parts already."""
        self.photos, self.counts, self._there = photos, there, there.photos
        self._started = self._said = time.monotonic()
        self._bar = bar_on_terminal("photos", photos, there.photos)

    def add(self, counts: "Counts") -> None:
        """What has been done since."""
        from fkd.inference.parquet.rows import add

        self.counts = add(self.counts, counts)
        if self._bar:
            self._bar.update(self._bar.task_ids[0], advance=counts.photos, rate=self._found())
        elif time.monotonic() - self._said > LINE_SECONDS:
            self._said = time.monotonic()
            done = f"{self.counts.photos:,} of {self.photos:,} photos"
            say(f"fkd: {done}, {self._found()}{self._left()}")

    def text(self) -> str:
        """What is in the table now."""
        none = f"{self.counts.without_face:,} without a face"
        return f"{_many(self.counts.photos, 'photo')}, {none}, {self._found()}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
        if kind is KeyboardInterrupt:
            say("fkd: stopped; the same command goes on")

    def _rate(self) -> float:
        seconds = max(time.monotonic() - self._started, 1e-6)
        return (self.counts.photos - self._there) / seconds

    def _found(self) -> str:
        counts = self.counts
        rate = f", {rate:.1f} photos a second" if (rate := self._rate()) else ""
        return f"{_many(counts.faces, 'face')}, {counts.unread:,} not read{rate}"

    def _left(self) -> str:
        if not (rate := self._rate()):
            return ""
        minutes, seconds = divmod(round((self.photos - self.counts.photos) / rate), 60)
        return f", {minutes // 60}:{minutes % 60:02d}:{seconds:02d} left"
