"""A table of the faces of many photos, in parts that are each written whole or not at all.

Before the first photo is read, the photos are divided: `_fkd/photos-0000000.json` in the output
names those of `part-0000000.parquet`, and `_fkd/job.json`, written last, says how many parts there
are and of which model. So a part is the same whoever makes it, however often, and what goes on
after a stop, on any machine, makes the parts that are not there.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from fkd.inference.parquet import files
from fkd.inference.parquet.sources import Photo, find_photos
from fkd.io.text import json_text
from fkd.models.zoo import find_model

OWN = "_fkd"  # readers of Parquet pass over names that begin with an underscore
PART_MB = 64
# What a photo counts at least, as a small one takes its time, too.
LEAST_BYTES = 20_000


class JobError(ValueError):
    """A table that cannot be made where or as it was asked for; the message is one sentence."""


@dataclass(frozen=True)
class Options:
    """What decides the rows of a photo: what `Predictor` is given, and the SHA-256 of the model's
    file."""

    model: str = "base"
    backend: str = "onnx"
    detector: str = "haar"
    min_face: int | None = None
    min_score: float | None = None
    sha256: str = ""


@dataclass(frozen=True)
class Job:
    """A table to make. output: the place of its folder. parts, photos: how many."""

    output: str
    options: Options
    sources: tuple[str, ...]
    parts: int
    photos: int

    def part(self, number: int) -> str:
        """The place of a part."""
        return files.joined(self.output, f"part-{number:07d}.parquet")

    def planned(self, number: int) -> list[Photo]:
        """The photos that a part is to hold. Raises OSError."""
        return [Photo(*each) for each in json.loads(files.read(_plan_file(self.output, number)))]


def open_job(
    sources: Sequence[str], output: str, options: Options, part_mb: float = PART_MB
) -> Job:
    """The job of a table: planned, or the one that was begun there.

    sources: as `find_photos` takes them. output: a folder or an address. part_mb: megabytes of
    photos a part, where it is planned. Raises JobError, SourceError, OSError, ModelError.
    """
    output = files.absolute(output)
    digest = hashlib.sha256(find_model(options.model).read_bytes()).hexdigest()
    asked = Job(output, replace(options, sha256=digest), tuple(map(files.absolute, sources)), 0, 0)
    begun = _begun(output)
    if begun is None:
        return _plan(asked, sources, part_mb * 1e6)
    _check_same(asked, begun)
    return begun


def _check_same(asked: Job, begun: Job) -> None:
    there = asdict(begun.options)
    for name, value in asdict(asked.options).items():
        if there[name] != value:
            how = _how(name, there[name])
            raise JobError(f"{asked.output}: was begun {how}; choose another --parquet")
    if asked.sources != begun.sources:
        photos = ", ".join(begun.sources)
        raise JobError(
            f"{asked.output}: was begun with the photos of {photos}; choose another --parquet"
        )


def _how(name: str, value: object) -> str:
    """How a table was begun, as a user says it."""
    if name == "sha256":
        return "with another file of this model"
    option = f"--{name.replace('_', '-')}"
    return f"without {option}" if value is None else f"with {option} {value}"


def _begun(output: str) -> Job | None:
    """The job that was begun in a place, None where there is none. Raises JobError, OSError."""
    file = files.joined(output, f"{OWN}/job.json")
    try:
        known = json.loads(files.read(file))
        return Job(
            output, Options(**known["options"]), tuple(known["sources"]), *known["counts"].values()
        )
    except FileNotFoundError:
        pass
    except NotADirectoryError:
        raise JobError(f"{output}: is a file, not a folder for parts of a table") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise JobError(f"{file}: is damaged; choose another --parquet") from None
    if files.is_folder(output) and any(
        files.name(entry.place) != OWN for entry in files.entries(output)
    ):
        raise JobError(f"{output}: holds files of something else; choose another --parquet")
    return None


def _plan(job: Job, sources: Sequence[str], part_bytes: float) -> Job:
    """Divide the photos among parts, and write that down."""
    parts = photos = 0
    for group in _groups(find_photos(sources), part_bytes):
        files.write(_plan_file(job.output, parts), json_text(group).encode())
        parts, photos = parts + 1, photos + len(group)
    known = {
        "options": asdict(job.options),
        "sources": job.sources,
        "counts": {"parts": parts, "photos": photos},
    }
    files.write(files.joined(job.output, f"{OWN}/job.json"), json_text(known, indent=2).encode())
    return replace(job, parts=parts, photos=photos)


def _groups(photos: Iterable[Photo], part_bytes: float) -> Iterator[list[Photo]]:
    """Photos in their order, so many together as have the bytes of a part."""
    group: list[Photo] = []
    total = 0
    for photo in photos:
        size = max(photo.size, LEAST_BYTES)
        if group and total + size > part_bytes:
            yield group
            group, total = [], 0
        group.append(photo)
        total += size
    if group:
        yield group


def _plan_file(output: str, number: int) -> str:
    return files.joined(output, f"{OWN}/photos-{number:07d}.json")
