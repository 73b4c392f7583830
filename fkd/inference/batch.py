"""Many photos through a predictor: what `fkd infer` does, without its words."""

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fkd.geometry import Image
from fkd.inference.overlay import overlay
from fkd.inference.predictor import Analysis, Predictor
from fkd.io.files import write_whole
from fkd.io.images import SUFFIXES, ImageError, decode_image, encode_png, read_image
from fkd.io.pts import format_pts
from fkd.landmarks import COUNT

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


def find_photos(arguments: list[str], results: Path) -> tuple[list[Source], list[str]]:
    """Photos of files, folders (searched through), globs and `-`, in order, and what was wrong.

    Results of a folder keep their place below it, and no two photos share a name. What lies in the
    results' folder is found only when it is named itself.
    """
    found: list[Source] = []
    wrong: list[str] = []
    for argument in arguments:
        path = Path(argument)
        if argument == STANDARD_INPUT:
            found.append(Source(STANDARD_INPUT, None, Path("stdin")))
        elif os.path.isdir(path):
            inside = [p for p in _photos_below(path) if _outside(p, results, path)]
            found += [Source(str(p), p, p.relative_to(path)) for p in inside]
            if not inside:
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


def _photos_below(folder: Path) -> list[Path]:
    below = [Path(at) / name for at, _, names in os.walk(folder) for name in names]
    photos = sorted(path for path in below if path.suffix.lower() in SUFFIXES)
    # No pipes, which would be waited for; links that lead nowhere are said to.
    return [path for path in photos if os.path.isfile(path) or not os.path.exists(path)]


def _outside(photo: Path, results: Path, folder: Path) -> bool:
    """Whether a photo of a folder is not a result of before, in a folder of results below it."""
    inside = _real(results) in _real(photo).parents
    return not (inside and _real(folder) in _real(results).parents)


def _real(path: Path) -> Path:
    # Unlike Path.resolve, this does not raise for links that lead to each other.
    return Path(os.path.realpath(path))


def overwritten(sources: list[Source], outputs: Outputs) -> Path | None:
    """The first photo, or `.pts` file beside a photo, that the results would overwrite."""
    photos = [_real(source.path) for source in sources if source.path is not None]
    precious = {*photos, *(photo.with_suffix(".pts") for photo in photos)}
    for source in sources:
        for suffix in _suffixes(outputs):
            path = _output_path(source, outputs, suffix)
            if os.path.exists(path) and _real(path) in precious:
                return path
    return None


def _suffixes(outputs: Outputs) -> list[str]:
    wanted = {".png": outputs.overlay, ".csv": outputs.csv, ".pts": outputs.pts}
    return [suffix for suffix, asked in wanted.items() if asked]


def _output_path(source: Source, outputs: Outputs, suffix: str) -> Path:
    # The stem may have dots of its own, so the suffix is put behind it.
    return outputs.folder / source.output.parent / f"{source.output.name}{suffix}"


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
    """The photo of a source. Raises ImageError."""
    if source.path is not None:
        return read_image(source.path)
    if standard_input is None:
        raise ImageError(f"{STANDARD_INPUT}: standard input is closed")
    return decode_image(standard_input, "standard input")


def analyse(
    predictor: Predictor, source: Source, standard_input: bytes | None
) -> tuple[Image, Analysis]:
    """A photo and its faces. Raises ImageError."""
    image = read_source(source, standard_input)
    return image, predictor.analyse(image)


def write_outputs(source: Source, image: Image, analysis: Analysis, outputs: Outputs) -> list[Path]:
    """Write the files that were asked for; returns their paths. Raises OSError."""
    written = []
    for suffix, data in _files(source, image, analysis, outputs):
        path = _output_path(source, outputs, suffix)
        write_whole(path, data)
        written.append(path)
    return written


def _files(
    source: Source, image: Image, analysis: Analysis, outputs: Outputs
) -> Iterator[tuple[str, bytes]]:
    if outputs.overlay:
        drawn = overlay(image, [(face.box, face.points) for face in analysis.faces])
        yield ".png", encode_png(drawn)
    if outputs.csv:
        yield ".csv", csv_text(analysis).encode()
    if outputs.pts:
        for number, face in enumerate(analysis.faces):
            suffix = ".pts" if number == 0 else f".face{number + 1}.pts"
            yield suffix, format_pts(face.points).encode()


def csv_text(analysis: Analysis) -> str:
    """A header and one row for each face: box, score, then x and y of the points, photo pixels."""
    axes = ",".join(f"x{i},y{i}" for i in range(COUNT))
    lines = [f"face,box_x,box_y,box_width,box_height,score,{axes}"]
    for number, face in enumerate(analysis.faces):
        score = "" if face.score is None else f"{face.score:.3f}"
        points = ",".join(f"{value:.2f}" for value in face.points.ravel())
        lines.append(f"{number},{','.join(map(str, face.box))},{score},{points}")
    return "\n".join(lines) + "\n"
