"""Many photos through a predictor: what `fkd infer` does, without its words."""

import glob
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fkd.datasets.pts import write_pts
from fkd.draw import overlay
from fkd.landmarks import COUNT
from fkd.photo import SUFFIXES, PhotoError, decode_photo, encode_picture, read_photo, write_whole
from fkd.predictor import Analysis, Predictor
from fkd.preprocess import Image

JSON_SCHEMA = 1
STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Source:
    """A photo to read. label: what messages and output call it. path: None for standard input.
    output: file name of its results, without a suffix, below the output folder.
    """

    label: str
    path: Path | None
    output: Path


@dataclass(frozen=True)
class Outputs:
    """What is written for each photo into the folder."""

    folder: Path
    overlay: bool
    csv: bool
    pts: bool


def find_photos(arguments: list[str]) -> tuple[list[Source], list[str]]:
    """Photos of files, folders (searched through), globs and `-`, in order, and what was wrong.

    A name is given only once to two photos: results of a folder keep their place below it.
    """
    found: list[Source] = []
    wrong: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT:
            found.append(Source(STANDARD_INPUT, None, Path("stdin")))
        elif path.is_dir():
            inside = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in SUFFIXES]
            found += [Source(str(p), p, p.relative_to(path)) for p in inside if p.is_file()]
            if not inside:
                wrong.append(f"{argument}: no photos in this folder")
        elif path.exists() or not glob.has_magic(argument):
            found.append(Source(argument, path, Path(path.name)))
        else:
            matches = [Path(match) for match in sorted(glob.glob(argument, recursive=True))]
            found += [Source(str(p), p, Path(p.name)) for p in matches if p.is_file()]
            if not matches:
                wrong.append(f"{argument}: matches no file")
    return _apart(found), wrong


def _apart(sources: list[Source]) -> list[Source]:
    """Sources whose outputs do not overwrite each other: a.jpg and a.png become a and a-2."""
    taken: set[Path] = set()
    apart = []
    for source in sources:
        stem = source.output.with_suffix("")
        output, number = stem, 2
        while output in taken:
            output, number = stem.with_name(f"{stem.name}-{number}"), number + 1
        taken.add(output)
        apart.append(Source(source.label, source.path, output))
    return apart


def read_source(source: Source, standard_input: bytes | None) -> Image:
    """The photo of a source. Raises PhotoError."""
    if source.path is not None:
        return read_photo(source.path)
    if standard_input is None:
        raise PhotoError(f"{STANDARD_INPUT}: standard input is closed")
    return decode_photo(standard_input, "standard input")


def analyse(
    predictor: Predictor, source: Source, standard_input: bytes | None
) -> tuple[Image, Analysis]:
    """A photo and its faces. Raises PhotoError."""
    image = read_source(source, standard_input)
    return image, predictor.analyse(image)


def json_line(source: Source, image: Image, analysis: Analysis, model: str, backend: str) -> str:
    """One photo's faces as a line of JSON."""
    return json.dumps(
        {
            "schema": JSON_SCHEMA,
            "image": source.label,
            "width": image.shape[1],
            "height": image.shape[0],
            "model": model,
            "backend": backend,
            "faces": [face.to_dict() for face in analysis.faces],
            "milliseconds": analysis.milliseconds,
        },
        ensure_ascii=False,
    )


def write_outputs(source: Source, image: Image, analysis: Analysis, outputs: Outputs) -> list[Path]:
    """Write the files that were asked for; returns their paths. Raises OSError."""
    written = []
    for suffix, data in _files(source, image, analysis, outputs):
        # The stem may have dots of its own, so the suffix is put behind it.
        path = outputs.folder / source.output.parent / f"{source.output.name}{suffix}"
        write_whole(path, data)
        written.append(path)
    return written


def _files(
    source: Source, image: Image, analysis: Analysis, outputs: Outputs
) -> Iterator[tuple[str, bytes]]:
    if outputs.overlay:
        drawn = overlay(image, [(face.box, face.points) for face in analysis.faces])
        yield ".png", encode_picture(drawn)
    if outputs.csv:
        yield ".csv", csv_text(analysis).encode()
    if outputs.pts:
        for number, face in enumerate(analysis.faces):
            suffix = ".pts" if number == 0 else f"_{number}.pts"
            yield suffix, write_pts(face.points).encode()


def csv_text(analysis: Analysis) -> str:
    """A header and one row for each face: box, score, then x and y of the points, photo pixels."""
    axes = ",".join(f"x{i},y{i}" for i in range(COUNT))
    lines = [f"face,box_x,box_y,box_width,box_height,score,{axes}"]
    for number, face in enumerate(analysis.faces):
        score = "" if face.score is None else f"{face.score:.3f}"
        points = ",".join(f"{value:.2f}" for value in face.points.ravel())
        lines.append(f"{number},{','.join(map(str, face.box))},{score},{points}")
    return "\n".join(lines) + "\n"
