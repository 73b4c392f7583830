"""Which `.pts` files are the labels of a photo; `fkd.io.pts` says how they are called."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from fkd.datasets.sample import BadSample
from fkd.geometry import Points
from fkd.io.files import write_whole
from fkd.io.folders import visible_below
from fkd.io.images import SUFFIXES
from fkd.io.pts import format_pts, pts_suffix, without_face_number


def photo_name(labels: Path) -> str:
    """The name, without a suffix, of the photo that a `.pts` file labels."""
    return without_face_number(labels.stem)


def photo_of(labels: Path) -> Path | None:
    """The photo beside a `.pts` file; None where there is none."""
    for name in (labels.stem, photo_name(labels)):
        for suffix in SUFFIXES:
            for photo in (labels.with_name(name + suffix), labels.with_name(name + suffix.upper())):
                if photo.is_file():
                    return photo
    return None


def pts_below(folder: Path) -> Iterator[Path]:
    """The `.pts` files anywhere under a folder that are not hidden."""
    return (path for path in visible_below(folder) if path.suffix == ".pts")


def labels_by_photo(folder: Path) -> dict[Path, list[Path]]:
    """The `.pts` files of each photo anywhere under a folder that has any, its first face first."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(pts_below(folder), key=lambda path: (len(path.name), path)):
        if photo := photo_of(path):
            found.setdefault(photo, []).append(path)
    return dict(sorted(found.items()))


def write_labels(photo: Path, faces: Sequence[Points], before: Iterable[Path] = ()) -> list[Path]:
    """Write the labels of a photo, float (68, 2) for each face in its pixels; returns the files.

    before: the files of its labels until now, which are replaced. Raises OSError; BadSample where
    a data set would take the files for another photo's labels.
    """
    numbers = range(1, len(faces) + 1)
    files = [photo.with_name(photo.stem + pts_suffix(number)) for number in numbers]
    for file in files:
        if (other := photo_of(file)) != photo:
            taken = f"would label {other.name}" if other else "would find no photo"
            raise BadSample(f"{file.name} {taken}; rename the photo")
    for file, points in zip(files, faces, strict=True):
        write_whole(file, format_pts(points).encode())
    for surplus in set(before) - set(files):
        surplus.unlink()
    return files
