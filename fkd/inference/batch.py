"""Many photos through a predictor: what `fkd infer` and `fkd align` do, without their words."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fkd.geometry import Image
from fkd.geometry.chip import FaceChip
from fkd.geometry.pose import Pose
from fkd.inference.face import Face
from fkd.inference.overlay import DEFAULT_LAYERS, overlay
from fkd.inference.predictor import Analysis, Predictor
from fkd.io.files import write_whole
from fkd.io.folders import photos_below
from fkd.io.images import (
    ImageError,
    Picture,
    decode_picture,
    encode_png,
    is_address,
    read_picture,
)
from fkd.io.pts import face_suffix, format_pts, pts_suffix, without_face_number
from fkd.io.text import csv_table
from fkd.landmarks import COUNT

STANDARD_INPUT = "-"
CSV_HEADER = [
    *("image", "face", "box_x", "box_y", "box_width", "box_height", "score"),
    *(f"{axis}{i}" for i in range(COUNT) for axis in "xy"),
    *(f"confidence{i}" for i in range(COUNT)),
    *Pose._fields,
    *(f"{name}{i}" for name in ("visible", "depth") for i in range(COUNT)),
]
MAX_NAME = 100  # characters of a file that is called as an address
Row = list[str | int | float | None]


@dataclass(frozen=True)
class Source:
    """A photo to read. label: what messages and output call it. place: a file, or the text of an
    address; None for standard input. output: file name of its results, without a suffix, below the
    output folder.
    """

    label: str
    place: Path | str | None
    output: Path


@dataclass(frozen=True)
class Outputs:
    """What is written for each photo into the folder. pts, chips: a file for each face. csv_file:
    one table of all photos' faces. layers: what an overlay shows (`fkd.inference.overlay`)."""

    folder: Path
    overlay: bool = False
    csv: bool = False
    pts: bool = False
    chips: bool = False
    csv_file: Path | None = None
    layers: Sequence[str] = DEFAULT_LAYERS


def find_photos(arguments: list[str], results: Path) -> tuple[list[Source], list[str]]:
    """Photos of files, folders (searched through), globs, addresses and `-`, in order, and what was
    wrong: pictures of a folder that are not read are among that.

    Results of a folder keep their place below it, and no two photos share a name. What lies in the
    results' folder is found only when it is named itself.
    """
    found: list[Source] = []
    wrong: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT:
            found.append(Source(STANDARD_INPUT, None, Path("stdin")))
        elif is_address(argument):
            found.append(Source(argument, argument, Path(_name_of(argument))))
        elif os.path.isdir(path):
            below, unread = photos_below(path)
            inside = [p for p in below if _outside(p, results, path)]
            found += [Source(str(p), p, p.relative_to(path)) for p in inside]
            wrong += unread
            if not inside and not unread:
                wrong.append(f"{argument}: no photos in this folder")
        elif os.path.exists(path) or not glob.has_magic(argument):
            found.append(Source(argument, path, Path(path.name)))
        else:
            matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
            files = [p for p in matches if os.path.isfile(p)]
            found += [Source(str(p), p, Path(p.name)) for p in files]
            if not files:
                wrong.append(f"{argument}: matches no file")
    return _apart(found), wrong


def _name_of(address: str) -> str:
    """A file name for the results of an address: the end of its path, where it has one."""
    path = re.split("[?#]", address.partition("://")[2])[0].partition("/")[2]
    name = re.sub(r"[^\w.-]", "_", path.rpartition("/")[2])
    return name.strip(".")[-MAX_NAME:] or "photo"


def _outside(photo: Path, results: Path, folder: Path) -> bool:
    """Whether a photo of a folder is not a result of before, in a folder of results below it."""
    inside = _real(results) in _real(photo).parents
    return not (inside and _real(folder) in _real(results).parents)


def _real(path: Path) -> Path:
    # Unlike Path.resolve, this does not raise for links that lead to each other.
    return Path(os.path.realpath(path))


def conflict(sources: list[Source], outputs: Outputs) -> str | None:
    """Why the results cannot be written: the first that would overwrite a photo, a photo's `.pts`
    file, or another result."""
    photos = {_real(source.place) for source in sources if isinstance(source.place, Path)}
    labelled = {photo.with_suffix("") for photo in photos}
    of_further_faces = {
        _without_number(photo.with_suffix("")): photo
        for photo in photos
        if photo.suffix == ".png" and without_face_number(photo.stem) != photo.stem
    }
    results = [path for source in sources for path in _output_paths(source, outputs)]
    for path in [*results, *([outputs.csv_file] if outputs.csv_file else [])]:
        real = _real(path)
        names = {real.with_suffix(""), _without_number(real.with_suffix(""))}
        label = real.suffix == ".pts" and os.path.exists(path) and names & labelled
        if real in photos or label:
            return f"{path}: is an input and would be overwritten"
        if outputs.chips and (photo := of_further_faces.get(real.with_suffix(""))):
            return f"{photo}: is an input and would be overwritten"
    if outputs.csv_file and _real(outputs.csv_file) in map(_real, results):
        return f"{outputs.csv_file}: is the name of another result"
    return None


def _output_paths(source: Source, outputs: Outputs) -> list[Path]:
    """What may be written for a photo: of the `.pts` files of its further faces, which nobody can
    foresee, those that are there already."""
    wanted = {".png": outputs.overlay or outputs.chips, ".csv": outputs.csv, ".pts": outputs.pts}
    paths = [_output_path(source, outputs, suffix) for suffix, asked in wanted.items() if asked]
    if outputs.pts:
        first = _output_path(source, outputs, ".pts")
        others = sorted(first.parent.glob(f"{glob.escape(first.stem)}.face*.pts"))
        paths += [path for path in others if without_face_number(path.stem) == first.stem]
    return paths


def _output_path(source: Source, outputs: Outputs, suffix: str) -> Path:
    # The stem may have dots of its own, so the suffix is put behind it.
    return outputs.folder / source.output.parent / f"{source.output.name}{suffix}"


def _apart(sources: list[Source]) -> list[Source]:
    """Sources whose outputs do not overwrite each other: a.jpg and a.png become a and a-2, as do
    a.jpg and A.jpg, which are one name on some systems; and nothing is called as the second face of
    a.jpg."""
    taken: set[Path] = set()
    numbered: set[Path] = set()
    apart = []
    for source in sources:
        stem = source.output.with_suffix("")
        output, number = stem, 2
        while _is_taken(output, taken, numbered):
            output, number = stem.with_name(f"{stem.name}-{number}"), number + 1
        folded = _folded(output)
        taken.add(folded)
        if _without_number(folded) != folded:
            numbered.add(_without_number(folded))
        apart.append(Source(source.label, source.place, output))
    return apart


def _is_taken(output: Path, taken: set[Path], numbered: set[Path]) -> bool:
    """Whether an output's files could have the names of another's. numbered: those of the others
    that end in the number of a face, without it."""
    folded = _folded(output)
    return folded in taken | numbered or _without_number(folded) in taken


def _folded(path: Path) -> Path:
    return Path(str(path).casefold())


def _without_number(path: Path) -> Path:
    return path.with_name(without_face_number(path.name) or path.name)


def read_source(source: Source, standard_input: bytes | None) -> Picture:
    """The photo of a source. Raises ImageError."""
    if source.place is not None:
        return read_picture(source.place)
    if standard_input is None:
        raise ImageError(f"{STANDARD_INPUT}: standard input is closed")
    return decode_picture(standard_input, "standard input")


def analyse(
    predictor: Predictor, source: Source, standard_input: bytes | None
) -> tuple[Picture, Analysis]:
    """A photo and its faces. Raises ImageError."""
    picture = read_source(source, standard_input)
    return picture, predictor.analyse(picture.pixels)


def write_outputs(source: Source, image: Image, analysis: Analysis, outputs: Outputs) -> list[Path]:
    """Write the files that were asked for; returns their paths. Raises OSError."""
    written = []
    for suffix, data in _files(source, image, analysis, outputs):
        path = _output_path(source, outputs, suffix)
        write_whole(path, data)
        written.append(path)
    return written


def write_chip(source: Source, number: int, chip: FaceChip, outputs: Outputs) -> Path:
    """Write the chip of a photo's face, whose number is from 1, as PNG; returns its path. Raises
    OSError."""
    path = _output_path(source, outputs, face_suffix(number, ".png"))
    write_whole(path, encode_png(chip.pixels))
    return path


def _files(
    source: Source, image: Image, analysis: Analysis, outputs: Outputs
) -> Iterator[tuple[str, bytes]]:
    if outputs.overlay:
        yield ".png", encode_png(overlay(image, analysis.faces, outputs.layers))
    if outputs.csv:
        yield ".csv", csv_bytes(csv_rows(source, analysis))
    if outputs.pts:
        for number, face in enumerate(analysis.faces, 1):
            yield pts_suffix(number), format_pts(face.points).encode()


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """A CSV file of `csv_rows`, below a header."""
    return csv_table([CSV_HEADER, *rows])


def csv_rows(source: Source, analysis: Analysis) -> list[Row]:
    """One row for each face of a photo, as CSV_HEADER names its cells: the photo's label, the
    number of the face from 0, box, score, x and y of the points, the confidence of each, the pose,
    and whether each is visible and its depth. Boxes, points and depth in photo pixels; nothing
    where the model does not tell."""
    return [_row(source.label, number, face) for number, face in enumerate(analysis.faces)]


def _row(label: str, number: int, face: Face) -> Row:
    known = face.to_dict()
    points = [value for point in known["points"] for value in point]
    columns = (known[name] or [None] * COUNT for name in ("confidence", "visible", "depth"))
    confidence, visible, depth = columns
    pose = (known["pose"] or dict.fromkeys(Pose._fields)).values()
    told = [*confidence, *pose, *visible, *depth]
    return [label, number, *known["box"], known["score"], *points, *told]
